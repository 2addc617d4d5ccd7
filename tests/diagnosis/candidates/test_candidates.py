"""Candidates in chests whose truth is known: drawn here, shipped as samples, and one real patient."""

import csv

import numpy as np
import pytest

from diagnosis.candidates import find_candidates, search_candidates
from diagnosis.candidates.blobs import merge_things
from diagnosis.candidates.finder import NO_LUNGS
from diagnosis.candidates.lung_mask import find_lung_space
from diagnosis.candidates.ranking import RoundnessRanking
from diagnosis.candidates.working_grid import patient_axes, resample_isotropic
from diagnosis.evaluation.candidates import CandidateStudy, evaluate_candidates, hits
from diagnosis.ingest.dicom_volume import read_series
from diagnosis.ingest.lesion_boxes import read_lesion_boxes
from diagnosis.ingest.nifti import read_nifti
from diagnosis.record import RegionOfInterest, Volume
from diagnosis.record.volume import RegionSource

SPACING = (3.0, 2.0, 2.0)
AFFINE = np.array([[0, 0, 2.0, -160.0], [0, 2.0, 0, -110.0], [3.0, 0, 0, -120.0], [0, 0, 0, 1.0]])


RULE = RoundnessRanking()
"""These chests are no patients: what the network learned of patients does not hold in them."""


def make_chest(center_mm=(80.0, 10.0, 0.0), diameter_mm=14.0, tube=True, nodule_hu=40) -> Volume:
    """Two ellipsoid lungs in a body, a ball at `center_mm`, and a vessel along z in the other lung."""
    z, y, x = (
        AFFINE[axis, 3] + s * np.arange(n) for axis, s, n in zip((2, 1, 0), SPACING, (80, 111, 161), strict=True)
    )
    z, y, x = np.meshgrid(z, y, x, indexing="ij")
    hu = np.full(z.shape, -1000.0)
    hu[(x / 155) ** 2 + (y / 105) ** 2 < 1] = 40
    for middle in (-75, 75):
        hu[((x - middle) / 55) ** 2 + (y / 75) ** 2 + (z / 105) ** 2 < 1] = -850
    if tube:
        hu[(x + 75) ** 2 + y**2 + 0 * z < 25] = 40
    distance = np.sqrt((x - center_mm[0]) ** 2 + (y - center_mm[1]) ** 2 + (z - center_mm[2]) ** 2)
    hu[distance < diameter_mm / 2] = nodule_hu
    hu += np.random.default_rng(0).normal(0, 15, hu.shape)
    return Volume(hu.astype(np.float32), AFFINE)


@pytest.mark.parametrize("diameter_mm", [8.0, 14.0, 30.0])
def test_a_ball_comes_first_with_its_size(diameter_mm):
    first = find_candidates(make_chest(diameter_mm=diameter_mm), ranking=RULE)[0]
    assert np.linalg.norm(np.subtract(first.region.center_mm, (80, 10, 0))) < max(3, diameter_mm / 6)
    assert first.region.diameter_mm == pytest.approx(diameter_mm, rel=0.3)
    assert first.region.source is RegionSource.CANDIDATE


def test_a_ball_on_the_chest_wall_is_found():
    lesion = RegionOfInterest((122.0, 0.0, 0.0), 16.0)
    proposed = [c.region for c in find_candidates(make_chest(lesion.center_mm, 16.0), ranking=RULE)]
    assert any(hits(region, lesion) for region in proposed[:3])


def test_ground_glass_is_found():
    lesion = RegionOfInterest((80.0, 10.0, 0.0), 16.0)
    proposed = [c.region for c in find_candidates(make_chest(diameter_mm=16.0, nodule_hu=-600), ranking=RULE)]
    assert any(hits(region, lesion) for region in proposed[:3])


def test_the_space_holds_a_mass_that_has_taken_the_back_of_a_lung():
    volume = make_chest((75.0, 60.0, 0.0), 60.0)
    grid = resample_isotropic(volume, 3.0)
    space = find_lung_space(grid)
    index = np.linalg.inv(grid.affine_lps) @ [75.0, 60.0, 0.0, 1.0]
    assert space.space[tuple(index[:3].round().astype(int))]
    assert not space.lungs[tuple(index[:3].round().astype(int))]


def test_what_lies_in_another_is_one_thing_unless_far_larger():
    large, inside, beside, small = ((0, 0, 0), 40.0), ((0, 0, 8.0), 30.0), ((0, 0, 60.0), 30.0), ((0, 0, 14.0), 6.0)
    assert merge_things([large, inside, beside, small], 10) == [0, 2, 3]
    assert merge_things([large, inside, beside, small], 2) == [0, 2]


def test_the_plane_of_the_scan_does_not_matter():
    axial = make_chest()
    sagittal = Volume(axial.hu.transpose(2, 0, 1), axial.affine_lps[:, [2, 0, 1, 3]])
    assert patient_axes(sagittal) == (1, 2, 0)
    one, other = (find_candidates(v, ranking=RULE)[0].region for v in (axial, sagittal))
    assert one.center_mm == pytest.approx(other.center_mm, abs=0.2)


@pytest.mark.parametrize("axes", [(0,), (1, 2), (0, 1, 2)], ids=["feet up", "prone, or NIfTI in RAS", "all"])
def test_the_direction_in_which_a_scan_is_stored_does_not_matter(axes):
    """The same voxels in the same places: the same candidates, sizes and ranks."""
    stored = make_chest()
    affine = stored.affine_lps.copy()
    for axis in axes:
        affine[:3, 3] += affine[:3, axis] * (stored.hu.shape[axis] - 1)
        affine[:3, axis] *= -1
    one, other = (find_candidates(volume) for volume in (stored, Volume(np.flip(stored.hu, axes), affine)))
    assert len(one) > 1
    assert one == other


def test_the_working_grid_keeps_places():
    volume = make_chest(tube=False)
    grid = resample_isotropic(volume, 3.0)
    bright = np.argwhere(grid.values > -300)
    places = np.array([grid.position_of(i) for i in bright])
    ball = places[np.linalg.norm(places - np.array([80.0, 10.0, 0.0]), axis=1) < 12]
    assert ball.mean(axis=0) == pytest.approx([80, 10, 0], abs=1.0)


def test_no_lungs_is_said_and_not_guessed():
    hu = np.full((20, 60, 60), 40.0, dtype=np.float32)
    search = search_candidates(Volume(hu, AFFINE))
    assert search.candidates == ()
    assert "no lungs were found" in (search.reason or "")


def cut(volume: Volume, center_mm, side_mm) -> Volume:
    """The part of a volume around a center."""
    index = volume.index_of(center_mm)
    half = np.array(side_mm) / 2 / np.array(volume.spacing_mm)
    low, high = np.round(index - half).astype(int), np.round(index + half).astype(int) + 1
    affine = volume.affine_lps.copy()
    affine[:3, 3] = volume.position_of(low)
    return Volume(volume.hu[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))].copy(), affine)


@pytest.mark.parametrize("diameter_mm", [10.0, 16.0, 24.0])
def test_of_a_crop_the_middle_is_proposed_with_its_size(diameter_mm):
    crop = cut(make_chest(diameter_mm=diameter_mm), (80.0, 10.0, 0.0), 50.0)
    (found,) = find_candidates(crop)
    assert found.region.center_mm == pytest.approx((80, 10, 0), abs=3)
    assert found.region.diameter_mm == pytest.approx(diameter_mm, rel=0.3)
    assert found.region.source is RegionSource.CANDIDATE
    assert "too small to hold lungs" in found.reason


def test_of_a_crop_in_whose_middle_nothing_is_round_no_size_is_made_up():
    (found,) = find_candidates(cut(make_chest(), (80.0, -40.0, 0.0), 30.0))
    assert found.region.diameter_mm is None


@pytest.mark.parametrize("hu", [lambda hu: hu * 0 + 40, lambda hu: (hu + 1000) / 1400])
def test_a_crop_without_aerated_lung_or_in_other_units_is_no_crop_of_a_lung(hu):
    crop = cut(make_chest(), (80.0, 10.0, 0.0), 50.0)
    search = search_candidates(Volume(hu(crop.hu).astype(np.float32), crop.affine_lps))
    assert (search.candidates, search.reason) == ((), NO_LUNGS)


@pytest.mark.filterwarnings("error")
def test_the_size_of_real_nodules_is_measured_in_their_crops(shared_data):
    root = shared_data / "lidc_nodules"
    with (root / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[::20]
    ratios = []
    for row in rows:
        (found,) = find_candidates(read_nifti(root / row["image"]))
        if found.region.diameter_mm is not None:
            ratios.append(found.region.diameter_mm / float(row["diameter_mm"]))
    assert len(ratios) > len(rows) / 2
    assert 0.85 < np.median(ratios) < 1.15
    assert np.mean(np.abs(np.log(ratios)) < 0.4) > 0.85


@pytest.mark.filterwarnings("error")
def test_a_volume_of_air_alone_is_searched_without_a_word_of_numpy():
    volume = Volume(np.full((8, 40, 40), -1000, np.float32), AFFINE)
    assert search_candidates(volume).candidates == ()


def test_progress_ends_and_never_more_than_ten():
    steps = []
    found = find_candidates(make_chest(), lambda done, total: steps.append((done, total)))
    assert steps[-1] == (5, 5)
    assert len(found) <= 10
    assert [c.strength for c in found] == sorted((c.strength for c in found), reverse=True)


@pytest.mark.slow
def test_figures_on_the_sample_patients(checkout):
    with (checkout / "data_samples" / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["ct"]]
    studies = []
    for row in rows:
        volume = read_series(checkout / "data_samples" / row["ct"]).volume
        center = tuple(float(row[f"center_{axis}_mm"]) for axis in "xyz")
        lesion = RegionOfInterest(center, float(row["diameter_mm"]))
        studies.append(CandidateStudy(tuple(c.region for c in find_candidates(volume)), (lesion,)))
    figures = evaluate_candidates(studies)
    assert figures.sensitivity == 1.0
    assert figures.false_per_study <= 9


@pytest.mark.slow
def test_a_real_adenocarcinoma_of_seven_centimeters_is_proposed_whole(shared_data):
    root = shared_data / "dicom_cases"
    case = "Lung_Dx-A0001_40805"
    lesion = read_lesion_boxes(root / "Lung_Dx_boxes.csv", root)[case]
    found = [c.region for c in find_candidates(read_series(root / case).volume)[:3]]
    best = next(region for region in found if hits(region, lesion))
    assert np.linalg.norm(np.subtract(best.center_mm, lesion.center_mm)) < 20
    assert best.diameter_mm == pytest.approx(lesion.diameter_mm, rel=0.4)


@pytest.mark.slow
def test_a_head_has_no_lungs(shared_data):
    volume = read_series(shared_data / "dicom_cases" / "philips_head_std_5mm").volume
    assert search_candidates(volume).reason is not None
