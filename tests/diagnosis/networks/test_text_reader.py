import torch

from diagnosis.networks.text_reader import TextReader, TextReaderConfig, read_by_each, share_equal_questions


def make_readers(n: int) -> list[TextReader]:
    """Readers with equal questions and layers of their own to the tokens, as a trained ensemble has them."""
    torch.manual_seed(0)
    readers = [TextReader(TextReaderConfig(), 32, 16).eval() for _ in range(n)]
    asked = {name: t for name, t in readers[0].state_dict().items() if not name.startswith("tokens.")}
    for reader in readers[1:]:
        reader.load_state_dict(asked, strict=False)
    return readers


def test_equal_questions_are_asked_once_and_answered_as_alone():
    readers, states, mask = make_readers(3), torch.randn(2, 7, 32), torch.ones(2, 7, dtype=torch.bool)
    with torch.no_grad():
        alone = [reader(states, mask) for reader in readers]
        share_equal_questions(readers)
        asked = []
        readers[0].project.register_forward_hook(lambda *_: asked.append(1))
        together = read_by_each(readers, states, mask)
    assert len(asked) == 1
    assert len({id(reader.queries) for reader in readers}) == 1
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one.tokens, other.tokens)
    assert not torch.equal(together[0].tokens, together[1].tokens)


def test_questions_that_differ_stay_apart():
    readers = make_readers(2)
    with torch.no_grad():
        readers[1].answer_norm.weight[0] += 1e-3
    share_equal_questions(readers)
    assert readers[0].queries is not readers[1].queries
    states, mask = torch.randn(1, 5, 32), torch.ones(1, 5, dtype=torch.bool)
    with torch.no_grad():
        first, second = read_by_each(readers, states, mask)
    assert not torch.equal(first.answers, second.answers)
