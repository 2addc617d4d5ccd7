"""The trainable reader over the frozen BERT's states: a note or a transcript becomes a few text tokens.

The BERT knows language but was never trained for radiology. One attention layer and a few learned questions on top of
it learn to read what radiologists say of a nodule: a question for each descriptor, one for the diameter, some free. It
is shared between notes and transcripts: a dictation says the same things in other words.

`TextSummary` takes its place where the text is free and nothing is known of what it describes: the mean state of the
text, and layers that are trained with the fusion. The largest state beside the mean made answers worse in every try.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from diagnosis.errors import ConfigurationError
from diagnosis.vocabulary import DESCRIPTORS

N_DESCRIPTORS = len(DESCRIPTORS)
LOG_MM_CENTER, LOG_MM_SPREAD = 2.3, 0.6
"""The diameter is read as a standardized log: exp(2.3) is 10 mm."""
N_TEXT_READOUTS = 2 * N_DESCRIPTORS + 2


@final
@dataclass(frozen=True)
class TextReaderConfig:
    """Shape of the text reader."""

    kind: str = "questions"
    """`questions` asks for what is said of a nodule; `summary` keeps the mean of the states, for free text."""
    n_free_queries: int = 3
    """Questions beside those for the descriptors and the diameter."""
    n_layers: int = 1
    """Self-attention layers over the BERT's states."""
    n_rounds: int = 2
    """Times the questions look at the text."""
    n_heads: int = 4
    """Attention heads."""
    dropout: float = 0.1
    """Dropout inside the layers and on the states."""


@final
@dataclass(frozen=True, eq=False)
class TextReading:
    """What was read.

    Attributes:
        tokens: (batch,token,embed) for the fusion.
        answers: (batch,query,embed) of the questions, before the fusion's own layers.
        level_logits: for each descriptor (batch,levels + 1); the first class is "not said".
        size: (batch,2): standardized log diameter, logit of its being said.
    """

    tokens: Float[Tensor, "batch token embed"]
    answers: Float[Tensor, "batch query answer"]
    level_logits: tuple[Float[Tensor, "batch _levels"], ...]
    size: Float[Tensor, "batch 2"]

    @property
    def ratings(self) -> Float[Tensor, "batch descriptor"]:
        """Expected rating of each descriptor, given that it was said."""
        return torch.stack([expected_rating(logits) for logits in self.level_logits], dim=1)

    @property
    def is_said(self) -> Float[Tensor, "batch descriptor"]:
        """Probability that the text says anything of each descriptor."""
        return torch.stack([1 - torch.softmax(logits, dim=1)[:, 0] for logits in self.level_logits], dim=1)


def expected_rating(level_logits: Float[Tensor, "batch levels"]) -> Float[Tensor, " batch"]:
    """Expected rating over the levels, "not said" left out."""
    shares = torch.softmax(level_logits[:, 1:], dim=1)
    return shares @ torch.arange(1, level_logits.shape[1], device=shares.device, dtype=shares.dtype)


def make_text_reader(config: TextReaderConfig, bert_width: int, embed: int) -> "TextReader | TextSummary":
    """The reader of the configured kind.

    Raises:
        ConfigurationError: an unknown kind.
    """
    if config.kind == "questions":
        return TextReader(config, bert_width, embed)
    if config.kind == "summary":
        return TextSummary(config, bert_width, embed)
    msg = f"text reader: {config.kind!r} is not known; use questions or summary"
    raise ConfigurationError(msg)


@final
class TextReader(nn.Module):
    """Projects BERT states, lets them attend to each other, and asks learned questions of them."""

    def __init__(self, config: TextReaderConfig, bert_width: int, embed: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.LayerNorm(bert_width), nn.Linear(bert_width, embed), nn.Dropout(config.dropout))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                embed, config.n_heads, 2 * embed, config.dropout, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(config.n_layers)
        )
        self.memory_norm = nn.LayerNorm(embed)
        self.queries = nn.Parameter(torch.randn(N_DESCRIPTORS + 1 + config.n_free_queries, embed) * 0.5)
        self.rounds = nn.ModuleList(
            nn.TransformerDecoderLayer(
                embed, config.n_heads, 2 * embed, config.dropout, "gelu", batch_first=True, norm_first=True
            )
            for _ in range(config.n_rounds)
        )
        self.answer_norm = nn.LayerNorm(embed)
        self.levels = nn.ModuleList(nn.Linear(embed, len(d.levels) + 1) for d in DESCRIPTORS)
        self.size = nn.Linear(embed, 2)
        self.tokens = TextTokens(embed)

    @property
    def answer_shape(self) -> tuple[int, int]:
        """Questions, and the width of an answer."""
        return self.queries.shape[0], self.queries.shape[1]

    def forward(self, states: Float[Tensor, "batch token bert"], mask: Bool[Tensor, "batch token"]) -> TextReading:
        """Read a batch; rows without tokens give finite numbers that the presence mask hides later."""
        return self.interpret(self.ask(states, mask))

    def ask(
        self, states: Float[Tensor, "batch token bert"], mask: Bool[Tensor, "batch token"]
    ) -> Float[Tensor, "batch query embed"]:
        """The part that costs: the questions' answers."""
        ignored = ~(mask | ~mask.any(dim=1, keepdim=True))
        memory = self.project(states)
        for layer in self.layers:
            memory = layer(memory, src_key_padding_mask=ignored)
        memory = self.memory_norm(memory)
        answers = self.queries.expand(states.shape[0], -1, -1)
        for asking in self.rounds:
            answers = asking(answers, memory, memory_key_padding_mask=ignored)
        normed: Tensor = self.answer_norm(answers)
        return normed

    def asks_as(self, other: "TextReader") -> bool:
        """Whether all weights that make the answers are equal; the layers to the tokens may differ."""
        own, others = ({n: t for n, t in r.state_dict().items() if not n.startswith("tokens.")} for r in (self, other))
        return own.keys() == others.keys() and all(torch.equal(tensor, others[name]) for name, tensor in own.items())

    def share_questions(self, other: "TextReader") -> None:
        """Keep the layers to the tokens, and take all others from `other`: one set of weights serves both."""
        for name, module in other.named_children():
            if name != "tokens":
                self.add_module(name, module)
        self.queries = other.queries

    def interpret(self, answers: Float[Tensor, "batch query embed"]) -> TextReading:
        """The cheap part: from the questions' answers to readings and tokens."""
        level_logits = tuple(head(answers[:, i]) for i, head in enumerate(self.levels))
        size = self.size(answers[:, N_DESCRIPTORS])
        unread = TextReading(answers, answers, level_logits, size)
        return TextReading(self.tokens(answers, readouts(unread)), answers, level_logits, size)


@final
class TextSummary(nn.Module):
    """The mean of the BERT's states as one token; only the layers to the token have weights."""

    def __init__(self, config: TextReaderConfig, bert_width: int, embed: int) -> None:
        super().__init__()
        self.answer_shape = (1, bert_width)
        # A cohort of some hundred cases teaches a layer over hundreds of directions: let dropout hide most of them.
        self.tokens = nn.Sequential(
            nn.LayerNorm(bert_width), nn.Dropout(config.dropout), nn.Linear(bert_width, embed), nn.LayerNorm(embed)
        )

    def forward(self, states: Float[Tensor, "batch token bert"], mask: Bool[Tensor, "batch token"]) -> TextReading:
        """Read a batch; rows without tokens give zeros."""
        return self.interpret(self.ask(states, mask))

    def ask(
        self, states: Float[Tensor, "batch token bert"], mask: Bool[Tensor, "batch token"]
    ) -> Float[Tensor, "batch 1 bert"]:
        """Mean of the states."""
        is_there = mask[:, :, None].to(states.dtype)
        return (states * is_there).sum(dim=1, keepdim=True) / is_there.sum(dim=1, keepdim=True).clamp_min(1)

    def interpret(self, answers: Float[Tensor, "batch 1 bert"]) -> TextReading:
        """The cheap part: from the summary to its token; no descriptor and no size is read."""
        return TextReading(self.tokens(answers), answers, (), torch.zeros(len(answers), 2, device=answers.device))


def share_equal_questions(readers: Sequence[TextReader | TextSummary]) -> None:
    """Let readers whose questions have equal weights share them, so that `read_by_each` asks once for all."""
    first = readers[0]
    for reader in readers[1:]:
        if isinstance(first, TextReader) and isinstance(reader, TextReader) and reader.asks_as(first):
            reader.share_questions(first)


def read_by_each(
    readers: Sequence[TextReader | TextSummary],
    states: Float[Tensor, "batch token bert"],
    mask: Bool[Tensor, "batch token"],
) -> list[TextReading]:
    """What each reader makes of a batch; readers that share their questions ask them once."""
    answers: dict[int, Tensor] = {}
    readings = []
    for reader in readers:
        # A summary has no weights before its answers.
        asker = id(reader.queries) if isinstance(reader, TextReader) else 0
        if asker not in answers:
            answers[asker] = reader.ask(states, mask)
        readings.append(reader.interpret(answers[asker]))
    return readings


def readouts(reading: TextReading) -> Float[Tensor, "batch readout"]:
    """What was read, as numbers around zero: ratings (zero where not said), whether each was said, the same of size."""
    is_said = reading.is_said
    is_sized = torch.sigmoid(reading.size[:, 1:])
    ratings = (reading.ratings - 3) / 1.5 * is_said
    return torch.cat([ratings, is_said, reading.size[:, :1] * is_sized, is_sized], dim=1)


@final
class TextTokens(nn.Module):
    """Answers and readings to tokens; trained with the fusion. The first token is made of the readings alone."""

    def __init__(self, embed: int) -> None:
        super().__init__()
        self.summary = nn.Sequential(
            nn.Linear(N_TEXT_READOUTS, embed), nn.GELU(), nn.Linear(embed, embed), nn.LayerNorm(embed)
        )
        self.answer = nn.Sequential(nn.Linear(embed, embed), nn.LayerNorm(embed))

    def forward(
        self, answers: Float[Tensor, "batch query embed"], read: Float[Tensor, "batch readout"]
    ) -> Float[Tensor, "batch token embed"]:
        """Summary token, then one token a question."""
        return torch.cat([self.summary(read)[:, None], self.answer(answers)], dim=1)
