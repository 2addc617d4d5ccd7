from dataclasses import replace

import pytest
from planted_truth import CONTRACT, DICTATION, NOTE, make_case

from diagnosis.errors import ExplanationError
from diagnosis.explanation import explain_case
from diagnosis.preprocessing.batch import prepare_case
from diagnosis.record import SpeechSpan
from diagnosis.record.attribution import PART_ALONE, WHOLE_CASE
from diagnosis.vocabulary import Modality


@pytest.fixture
def explain(reader, tokenizer):
    def call(case, **options):
        prepared = prepare_case(case, CONTRACT, tokenizer)
        return explain_case(
            reader, CONTRACT, case, prepared, ["malignancy"], options.pop("finding", "malignancy"), **options
        )

    return call


def test_everything_of_a_case(explain):
    found = explain(
        make_case((4, 3, 0), NOTE, DICTATION),
        methods=("integrated_gradients", "grad_cam"),
        is_proved=False,
        has_counterfactuals=True,
    )
    assert found.volume.method == "integrated_gradients"
    assert [other.method for other in found.other_volumes] == ["grad_cam"]
    assert max(found.note.spans, key=lambda s: s.value).text == "spiculated"
    assert all(isinstance(span, SpeechSpan) for span in found.voice.spans)
    assert found.modality_shares.shares[Modality.NOTE] > 0.8
    assert found.counterfactuals
    assert found.smallest_change.texts == ("spiculated",)
    assert found.seconds > 0


def test_parts_that_are_absent_are_none(explain):
    found = explain(make_case(None, NOTE, None).restricted_to(frozenset({Modality.NOTE})), is_proved=False)
    assert found.volume is None
    assert found.voice is None
    assert found.note is not None
    assert found.withheld == ()


def test_what_fails_its_proof_is_withheld_with_its_reason(explain):
    """This network has learned to ignore the CT: there is nothing in it to explain."""
    found = explain(make_case(None, NOTE, None))
    assert found.note is not None
    assert found.volume is None
    assert found.withheld[0].startswith("Withheld, CT by integrated_gradients: the logit changes by only")


def test_the_map_of_a_broken_network_is_withheld_and_says_so(trained, tokenizer):
    """Its gradients belong to another network than its answers: the map looks like any other, and is wrong."""

    def break_gradients(_module, _inputs, output):
        return tuple(features.detach() + 0.3 * (features - features.detach()) for features in output)

    case = make_case((5, -4, 1), None, None, seed=500)
    prepared = prepare_case(case, CONTRACT, tokenizer)
    explained = (trained, CONTRACT, case, prepared, ["malignancy"], "malignancy")
    assert explain_case(*explained).volume is not None
    handles = [m.volume_encoder.backbone.register_forward_hook(break_gradients) for m in trained.classifiers()]
    try:
        found = explain_case(*explained)
    finally:
        for handle in handles:
            handle.remove()
    assert found.volume is None
    (sentence,) = found.withheld
    assert sentence.startswith("Withheld, CT by integrated_gradients: the map leaves ")
    assert "% of the change of the logit unexplained" in sentence


def test_where_the_whole_case_says_nothing_of_the_voxels_they_are_explained_alone(explain, monkeypatch):
    """As beside telling words, which leave the voxels nothing to add."""
    from diagnosis.explanation import explain as room

    made = room._volume

    def failing_with_words(*arguments):
        found, subject = made(*arguments), arguments[-1]
        has_words = bool(subject.batch.is_present[0, 1:].any())
        return replace(found, faithfulness=replace(found.faithfulness, is_trustworthy=not has_words, failures=("x",)))

    monkeypatch.setattr(room, "_volume", failing_with_words)
    found = explain(make_case((4, 3, 0), NOTE, None), is_proved=False)
    assert found.volume.explains == PART_ALONE[Modality.CT]
    (sentence,) = found.withheld
    assert sentence.startswith("Withheld for the whole case, CT by integrated_gradients: x. ")
    assert sentence.endswith("Shown instead: the voxels alone, without words and told diameter.")
    assert explain(make_case((4, 3, 0), None, None), is_proved=False).volume.explains == WHOLE_CASE


def test_unknown_finding(explain):
    with pytest.raises(ExplanationError, match="'edema' is not a finding of this bundle; use one of malignancy"):
        explain(make_case(None, NOTE, None), finding="edema")


def test_one_processor_explains_as_several_do(explain, monkeypatch):
    case = make_case((4, 3, 0), NOTE, DICTATION)
    found = []
    for processors in (1, 2):
        monkeypatch.setattr("diagnosis.settings.thread_count", lambda n=processors: n)
        found.append(explain(case, has_counterfactuals=True))
    one, two = found
    assert one.withheld == two.withheld
    assert (one.note, one.voice, one.modality_shares) == (two.note, two.voice, two.modality_shares)
    maps = [None if e.volume is None else e.volume.values.tolist() for e in found]
    assert maps[0] == maps[1]
    assert (one.counterfactuals, one.smallest_change) == (two.counterfactuals, two.smallest_change)
