"""The network as a scalar function of one part of one case, every other part held as it is.

Text is encoded once for all maps of the voxels, voxels once for all maps of the words: what is held costs nothing. An
ensemble is the mean of its members, so gradients are summed member by member and only one member's activations are
alive at a time.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Protocol, final

import torch
from torch import Tensor, nn

from diagnosis.errors import ExplanationError
from diagnosis.explanation.packing import packed_linears
from diagnosis.networks.classifier import DiagnosisNetwork, FusionClassifier, Reading
from diagnosis.networks.model_input import EncodedInput, ModalityTokens, ModelInput
from diagnosis.vocabulary import MODALITIES, Modality

Term = Callable[[Tensor], Tensor]
_HELD: ContextVar[frozenset[int]] = ContextVar("held networks", default=frozenset())
"""Networks that this thread already holds still: looking through all weights a thousand times would cost seconds."""


class PartFunction(Protocol):
    """A scalar function of a part, in logits: (n,…) to (n,); the mean of its terms."""

    @property
    def terms(self) -> tuple[Term, ...]:
        """Functions whose mean this is; gradients are taken one term at a time."""

    def __call__(self, values: Tensor) -> Tensor:
        """Logits (n,) of values (n,…)."""


def require_one_case(network: DiagnosisNetwork, batch: ModelInput, finding: int, part: Modality | None = None) -> None:
    """Raise ExplanationError unless the batch is one case, has the part, and the network has the finding."""
    n_cases = batch.is_present.shape[0]
    if n_cases != 1:
        msg = f"explanation: the batch holds {n_cases} cases; explain one at a time"
        raise ExplanationError(msg)
    n_findings = network.config.n_findings
    if not 0 <= finding < n_findings:
        msg = f"explanation: finding {finding} does not exist; the network has {n_findings}, counted from 0"
        raise ExplanationError(msg)
    if part is not None and not bool(batch.is_present[0, MODALITIES.index(part)]):
        msg = f"explanation: the case has no {part.value}; choose a part that is present"
        raise ExplanationError(msg)


@contextmanager
def held_still(network: nn.Module) -> Iterator[None]:
    """Evaluation mode, no gradients on weights and a packed BERT, restored on the way out.

    Without gradients on weights autograd saves far fewer activations. A network that is already held is left untouched.
    """
    if id(network) in _HELD.get():
        yield
        return
    token = _HELD.set(_HELD.get() | {id(network)})
    was_training = network.training
    trainable = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if was_training:
        network.eval()
    for parameter in trainable:
        parameter.requires_grad_(False)
    bert = getattr(network, "bert", None)
    try:
        with packed_linears(bert) if isinstance(bert, nn.Module) else nullcontext():
            yield
    finally:
        _HELD.reset(token)
        for parameter in trainable:
            parameter.requires_grad_(True)
        if was_training:
            network.train()


def value_and_gradient(function: PartFunction, values: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (n,) and their gradient in the shape of `values`; one term's activations at a time."""
    terms = function.terms
    total, gradient = torch.zeros(values.shape[0]), torch.zeros_like(values)
    for term in terms:
        with torch.enable_grad():
            leaf = values.detach().requires_grad_()
            logits = term(leaf)
            (slope,) = torch.autograd.grad(logits.sum(), leaf)
        total += logits.detach() / len(terms)
        gradient += slope / len(terms)
    return total, gradient


def read_parts(
    network: DiagnosisNetwork, batch: ModelInput, encoded: EncodedInput | None = None
) -> tuple[Reading, ...]:
    """What each member's encoders make of a case: the part that costs, done once for all functions of one case.

    `encoded` is what the BERT made of its texts, where that is known.
    """
    with torch.no_grad(), held_still(network):
        texts = network.encode_text(batch) if encoded is None else encoded
        return network.encode(texts)


def reread_voxels(network: DiagnosisNetwork, batch: ModelInput, read: Sequence[Reading]) -> tuple[Reading, ...]:
    """Readings of the same case with another diameter or other parts present: its texts are not read again."""
    found = []
    with torch.no_grad(), held_still(network):
        for member, reading in zip(network.classifiers(), read, strict=True):
            volume = member.volume_encoder(batch.volume, batch.diameter_mm)
            tokens = replace(reading.tokens, ct=volume.tokens, is_present=batch.is_present)
            found.append(replace(reading, tokens=tokens, volume=volume))
    return tuple(found)


def _expanded(tokens: ModalityTokens, n: int) -> ModalityTokens:
    """One case's tokens repeated n times, without copying."""
    return ModalityTokens(*(t.expand(n, *t.shape[1:]) for t in (*tokens.by_modality(), tokens.is_present)))


@final
class VolumeFunction:
    """Logit of a finding as a function of the voxels, (n,1,depth,height,width) in [0,1]."""

    def __init__(
        self, network: DiagnosisNetwork, batch: ModelInput, finding: int, read: Sequence[Reading] | None = None
    ) -> None:
        """Encode everything that is held, unless it was (`read`, of `read_parts`).

        Raises:
            ExplanationError: more than one case, no such finding, no CT.
        """
        require_one_case(network, batch, finding, Modality.CT)
        self.network, self.batch, self.finding = network, batch, finding
        readings = read_parts(network, batch) if read is None else read
        self._held = [(reading.tokens, reading.volume.log_diameter) for reading in readings]

    @property
    def values(self) -> Tensor:
        """The case's own voxels."""
        return self.batch.volume

    @property
    def members(self) -> list[FusionClassifier]:
        """The members of the ensemble."""
        return self.network.classifiers()

    @property
    def terms(self) -> tuple[Term, ...]:
        """One term a member."""
        return tuple(self._term(index) for index in range(len(self._held)))

    def __call__(self, values: Tensor) -> Tensor:
        """Logits (n,)."""
        return torch.stack([term(values) for term in self.terms]).mean(dim=0)

    def _term(self, index: int) -> Term:
        member, (held, read_size) = self.members[index], self._held[index]

        def logit(values: Tensor) -> Tensor:
            n = values.shape[0]
            with ExitStack() as stack:
                stack.enter_context(held_still(self.network))
                stack.enter_context(_read_size_held(member, read_size))
                reading = member.volume_encoder(values, self.batch.diameter_mm.expand(n))
                tokens = replace(_expanded(held, n), ct=reading.tokens)
                result: Tensor = member.fuse(tokens).logits[:, self.finding]
            return result

        return logit


@contextmanager
def _read_size_held(member: FusionClassifier, read_size: Tensor) -> Iterator[None]:
    """The size that the network reads from the image stays what it read from the patient's own."""

    def hold(_module: nn.Module, _inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        return read_size[:, None].expand_as(output)

    handle = member.volume_encoder.log_diameter.register_forward_hook(hold)
    try:
        yield
    finally:
        handle.remove()


@final
class TextFunction:
    """Logit of a finding as a function of the word embeddings of the note or the transcript, (n,token,bert)."""

    def __init__(
        self,
        network: DiagnosisNetwork,
        batch: ModelInput,
        finding: int,
        part: Modality,
        read: Sequence[Reading] | None = None,
    ) -> None:
        """Encode everything that is held, unless it was (`read`, of `read_parts`).

        Raises:
            ExplanationError: more than one case, no such finding, the part is absent or is not text.
        """
        if part is Modality.CT:
            msg = "explanation: a CT has no words; choose note or voice"
            raise ExplanationError(msg)
        require_one_case(network, batch, finding, part)
        self.network, self.finding, self.part = network, finding, part
        is_note = part is Modality.NOTE
        self.ids, self.mask = (batch.note_ids, batch.note_mask) if is_note else (batch.voice_ids, batch.voice_mask)
        self._held = [reading.tokens for reading in (read_parts(network, batch) if read is None else read)]
        with torch.no_grad():
            self.values = network.bert.word_embeddings(self.ids)

    def logits_alone(self, values: Tensor) -> Tensor:
        """Logits (n,) of the text as the only evidence."""
        is_present = torch.tensor([[part is self.part for part in MODALITIES]])
        return self._logits(values, is_present)

    def logit_of_nothing(self) -> float:
        """Logit of the network with every part absent."""
        nothing = torch.zeros(1, len(MODALITIES), dtype=torch.bool)
        with torch.no_grad():
            return float(self._logits(self.values, nothing))

    @property
    def terms(self) -> tuple[Term, ...]:
        """A single term: the members share the BERT, which is most of the work."""
        return (self,)

    def __call__(self, values: Tensor) -> Tensor:
        """Logits (n,)."""
        return self._logits(values, self._held[0].is_present)

    def _logits(self, values: Tensor, is_present: Tensor) -> Tensor:
        n = values.shape[0]
        mask = self.mask.expand(n, -1)
        with held_still(self.network):
            states = self.network.bert(values, mask)
            read = self.network.read_text(states, mask)
            members = zip(self.network.classifiers(), self._held, read, strict=True)
            joined = [(m, self._joined(held, reading.tokens)) for m, held, reading in members]
            seen = [m.fuse(tokens.with_presence(is_present.expand(n, -1))) for m, tokens in joined]
        return torch.stack([output.logits[:, self.finding] for output in seen]).mean(dim=0)

    def _joined(self, held: ModalityTokens, tokens: Tensor) -> ModalityTokens:
        held = _expanded(held, tokens.shape[0])
        if self.part is Modality.NOTE:
            return replace(held, note=tokens)
        # What follows the words' tokens is the acoustic token, which is held.
        return replace(held, voice=torch.cat([tokens, held.voice[:, tokens.shape[1] :]], dim=1))


@final
class SoundFunction:
    """Logit of a finding as a function of the log-mel frames of the dictation, (n,mel,frame)."""

    def __init__(
        self, network: DiagnosisNetwork, batch: ModelInput, finding: int, read: Sequence[Reading] | None = None
    ) -> None:
        """Encode everything that is held, unless it was (`read`, of `read_parts`).

        Raises:
            ExplanationError: more than one case, no such finding, no voice, or a network without an acoustic branch.
        """
        require_one_case(network, batch, finding, Modality.VOICE)
        if batch.voice_mel is None or network.config.acoustic_encoder is None:
            msg = "explanation: the network does not listen to the sound itself; explain the transcript instead"
            raise ExplanationError(msg)
        self.network, self.finding = network, finding
        self.values = batch.voice_mel
        self._held = [reading.tokens for reading in (read_parts(network, batch) if read is None else read)]

    @property
    def terms(self) -> tuple[Term, ...]:
        """A single term: the acoustic encoder is small."""
        return (self,)

    def __call__(self, values: Tensor) -> Tensor:
        """Logits (n,)."""
        logits = []
        with held_still(self.network):
            for member, one_case in zip(self.network.classifiers(), self._held, strict=True):
                held = _expanded(one_case, values.shape[0])
                if member.acoustic_encoder is None:
                    continue
                voice = torch.cat([held.voice[:, :-1], member.acoustic_encoder(values)], dim=1)
                logits.append(member.fuse(replace(held, voice=voice)).logits[:, self.finding])
        return torch.stack(logits).mean(dim=0)
