"""The only reader of the environment, and the only place that knows where things lie on this machine.

=============================  ==========================================================================
variable                       meaning
=============================  ==========================================================================
`DIAGNOSIS_BUNDLE`             bundle folder used where none is named (default: `models/lung_nodule`)
`DIAGNOSIS_CACHE`              user cache, for joined weights and self-tests (default: `~/.cache/diagnosis`)
`DIAGNOSIS_WHISPER`            folder of a CTranslate2 Whisper model used for dictation
`DIAGNOSIS_STORE`              database of the dashboard: a URL or a file (default: `store.sqlite3` in
                               `$XDG_DATA_HOME/diagnosis`, else `~/.local/share/diagnosis`)
`DIAGNOSIS_LEDGER`             database of the ledger of batch runs: a URL (default: a file beside the results)
`DIAGNOSIS_PACS`               configuration of the archive (YAML) used where none is named
`DIAGNOSIS_PACS_PASSWORD`      password for its DICOMweb service; secrets never stand in the file
`DIAGNOSIS_PACS_TOKEN`         bearer token for its DICOMweb service, in place of a password
`DIAGNOSIS_PACS_KEY_PASSWORD`  passphrase of the private key for TLS
`DIAGNOSIS_THREADS`            threads for the networks (default: all processors this process may use)
`RANK`, `WORLD_SIZE`           which of how many training processes this is; set by torchrun
`DIAGNOSIS_TOKEN`              token that callers of `diagnosis serve` have to show
=============================  ==========================================================================
"""

import os
import sys
from pathlib import Path

from diagnosis.errors import ConfigurationError

DEFAULT_BUNDLE_NAME = "lung_nodule"
CANDIDATE_MODEL_NAME = "lung_candidates"


def _installed_or_checkout(folder: str) -> Path:
    """Folder of the checkout where one is run from, else the copy that was installed with the package."""
    candidates = (
        Path.cwd() / folder,
        Path(__file__).resolve().parent.parent / folder,
        Path(sys.prefix) / "share" / "diagnosis" / folder,
    )
    return next((c for c in candidates if c.is_dir()), candidates[0])


def _home(variable: str) -> Path:
    """The user's home folder.

    Raises:
        ConfigurationError: there is none, as for a user of a container who has a number alone.
    """
    try:
        return Path.home()
    except RuntimeError as error:
        msg = f"system: this user has no home folder; set {variable} to a place of your own"
        raise ConfigurationError(msg) from error


def bundle_dir() -> Path:
    """Bundle folder used where none is named."""
    named = os.environ.get("DIAGNOSIS_BUNDLE")
    return Path(named) if named else _installed_or_checkout("models") / DEFAULT_BUNDLE_NAME


def candidate_model_dir() -> Path:
    """Folder of the network that ranks proposed regions."""
    return _installed_or_checkout("models") / CANDIDATE_MODEL_NAME


def data_samples_dir() -> Path:
    """Folder of the synthetic sample cases."""
    return _installed_or_checkout("data_samples")


def cache_dir() -> Path:
    """User cache; holds weights and what was measured of this machine, never anything of a patient.

    Raises:
        ConfigurationError: the user has no home folder, and the environment names no other place.
    """
    return Path(os.environ.get("DIAGNOSIS_CACHE") or _home("DIAGNOSIS_CACHE") / ".cache" / "diagnosis")


def store_url() -> str:
    """Database of cases, assessments, reviews and the audit trail: a URL, or the path of a SQLite file.

    Raises:
        ConfigurationError: the user has no home folder, and the environment names no other place.
    """
    named = os.environ.get("DIAGNOSIS_STORE")
    if named:
        return named
    data = os.environ.get("XDG_DATA_HOME") or _home("DIAGNOSIS_STORE") / ".local" / "share"
    return str(Path(data) / "diagnosis" / "store.sqlite3")


def ledger_url() -> str | None:
    """Database of the ledger of batch runs, if the environment names one; a password then stands on no command line."""
    return os.environ.get("DIAGNOSIS_LEDGER") or None


def whisper_dir() -> Path | None:
    """Folder of a Whisper model named by the user, if any."""
    named = os.environ.get("DIAGNOSIS_WHISPER")
    return Path(named) if named else None


def thread_count() -> int:
    """Threads for the networks: what was asked for, else the processors this process may run on."""
    asked = os.environ.get("DIAGNOSIS_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else len(os.sched_getaffinity(0))


def process_rank() -> int:
    """Number of this training process among those that torchrun started; 0 for the only one."""
    return int(os.environ.get("RANK", "0"))


def process_count() -> int:
    """Training processes that torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def pacs_configuration() -> Path | None:
    """Configuration of the archive, if the environment names one."""
    named = os.environ.get("DIAGNOSIS_PACS")
    return Path(named) if named else None


def pacs_secret(name: str) -> str | None:
    """A secret for the archive: `PASSWORD`, `TOKEN` or `KEY_PASSWORD`; None where it is not set."""
    return os.environ.get(f"DIAGNOSIS_PACS_{name}") or None


def service_token() -> str | None:
    """Token that callers of `diagnosis serve` have to show, if the environment names one."""
    return os.environ.get("DIAGNOSIS_TOKEN") or None


def is_loopback(address: str | None) -> bool:
    """Whether a server bound to this address is reached from this machine only. A name other than localhost is not."""
    import ipaddress

    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address((address or "").strip("[]")).is_loopback
    except ValueError:
        return False
