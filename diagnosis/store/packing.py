"""Records with arrays to bytes and back, without pickle: a zip archive of one JSON document and NumPy's own files.

What a record's class declares is what is read back: bytes that do not fit it, such as those of an older version whose
record had other fields, are refused rather than guessed at.
"""

import io
import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from zipfile import BadZipFile

import numpy as np

from diagnosis.errors import DiagnosisError, StoreError

_DOCUMENT = "document"
_ARRAY = "array"
Record = TypeVar("Record")


def pack(record: object) -> bytes:
    """Bytes of a frozen record of plain values, enumerations, tuples, mappings, arrays and further records."""
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    document = json.dumps(_plain(record, arrays), separators=(",", ":")).encode("utf-8")
    stream = io.BytesIO()
    np.savez_compressed(stream, **{_DOCUMENT: np.frombuffer(document, np.uint8)}, **arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def unpack(kind: type[Record], content: bytes) -> Record:
    """The record of a class that bytes of `pack` hold.

    Raises:
        StoreError: the bytes are damaged, or are those of another class or version.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        document = json.loads(arrays.pop(_DOCUMENT).tobytes())
        record: Record = _record(kind, document, arrays)
    except (ValueError, KeyError, TypeError, OSError, EOFError, BadZipFile, DiagnosisError) as error:
        msg = f"store: what was kept of a {kind.__name__} cannot be read; it has to be made again"
        raise StoreError(msg) from error
    return record


def _plain(value: object, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, np.ndarray):
        name = f"{_ARRAY}{len(arrays)}"
        arrays[name] = value
        return {_ARRAY: name}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name), arrays) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(_plain(key, arrays)): _plain(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, arrays) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _record(kind: type[Record], document: object, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Record:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(document, dict) or set(document) != names:
        msg = f"not a {kind.__name__}"
        raise TypeError(msg)
    hints = get_type_hints(kind)
    return kind(**{name: _value(hints[name], document[name], arrays) for name in names})


def _value(hint: Any, value: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:  # noqa: ANN401 - JSON
    """A JSON value as what a type hint asks for.

    Raises:
        TypeError, ValueError, KeyError: it is something else.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return _one_of(inner, value, arrays)
    if origin is np.ndarray or hint is np.ndarray:
        return arrays[value[_ARRAY]]
    if is_dataclass(hint):
        return _record(hint, value, arrays)  # type: ignore[arg-type]
    if origin in {tuple, dict}:
        return _many(hint, value, arrays)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if not isinstance(value, (int, float) if hint is float else hint):
        msg = f"not a {hint}"
        raise TypeError(msg)
    return value


def _many(hint: Any, value: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:  # noqa: ANN401 - JSON
    """A JSON list or object as the tuple or mapping that a type hint asks for."""
    inner = get_args(hint)
    if get_origin(hint) is dict:
        return {_value(inner[0], k, arrays): _value(inner[1], v, arrays) for k, v in value.items()}
    each = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
    return tuple(_value(h, v, arrays) for h, v in zip(each, value, strict=True))


def _one_of(hints: tuple[Any, ...], value: Any, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Any:  # noqa: ANN401
    """The first of several types that a value fits; records are told apart by the names of their fields."""
    for hint in hints:
        try:
            return _value(hint, value, arrays)
        except (TypeError, ValueError, KeyError):
            continue
    msg = "fits none of its types"
    raise TypeError(msg)
