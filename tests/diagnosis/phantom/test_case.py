import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from diagnosis.phantom.case import PhantomCase, make_phantom
from diagnosis.phantom.spec import PhantomSpec
from diagnosis.record.geometry import index_to_mm, mm_to_index
from diagnosis.record.volume import RegionOfInterest, Volume


def test_mask_lies_where_the_truth_says(small_case: PhantomCase) -> None:
    ct = small_case.ct
    centroid = index_to_mm(ct.affine_lps, np.argwhere(ct.mask).mean(axis=0))
    assert np.abs(centroid - ct.center_mm).max() < 1.0


def test_nodule_is_dense_and_its_surroundings_are_lung(small_case: PhantomCase) -> None:
    ct = small_case.ct
    shell = ndimage.binary_dilation(ct.mask, iterations=3) & ~ndimage.binary_dilation(ct.mask, iterations=2)
    assert -100 < np.median(ct.hu[ct.mask]) < 80
    assert -960 < np.median(ct.hu[shell]) < -600


def test_mask_has_the_diameter_of_the_truth(small_case: PhantomCase) -> None:
    ct, pixel_mm = small_case.ct, small_case.spec.scan.pixel_mm
    widest = max(
        np.linalg.norm(points[:, None] - points[None], axis=-1).max() * pixel_mm
        for points in (np.argwhere(section) for section in ct.mask)
        if len(points)
    )
    assert widest + pixel_mm == pytest.approx(small_case.spec.nodule.diameter_mm, abs=1.5 * pixel_mm)


def test_tissues_have_their_hounsfield_units(small_case: PhantomCase) -> None:
    hu = small_case.ct.hu
    assert hu[:, :4, :4].mean() < -990
    lung = (hu > -950) & (hu < -750)
    assert 0.08 < lung.mean() < 0.35
    assert ((hu > 20) & (hu < 90)).mean() > 0.05
    assert ((hu > -130) & (hu < -70)).mean() > 0.03
    assert (hu > 300).mean() > 0.003


def test_ct_is_a_valid_record_with_the_region_inside(small_case: PhantomCase) -> None:
    volume = Volume(small_case.ct.hu.astype(np.float32), small_case.ct.affine_lps)
    RegionOfInterest(small_case.ct.center_mm, small_case.region_diameter_mm).require_inside(volume)
    assert volume.spacing_mm == pytest.approx((4.0, 2.2, 2.2))


def test_same_spec_gives_the_same_patient(small_case: PhantomCase, small_spec: PhantomSpec) -> None:
    again = make_phantom(small_spec)
    assert (again.ct.hu == small_case.ct.hu).all()
    assert again.truth() == small_case.truth()
    assert (again.note.text, again.dictation.text) == (small_case.note.text, small_case.dictation.text)


def test_another_seed_gives_another_patient(small_case: PhantomCase, small_spec: PhantomSpec) -> None:
    other = make_phantom(dataclasses.replace(small_spec, seed=6))
    assert (other.ct.hu != small_case.ct.hu).mean() > 0.3
    assert other.ct.center_mm != small_case.ct.center_mm


def test_without_its_nodule_the_chest_is_the_same_one(small_case: PhantomCase, small_spec: PhantomSpec) -> None:
    healthy = make_phantom(dataclasses.replace(small_spec, informative="note"))
    changed = np.argwhere(np.abs(healthy.ct.hu.astype(int) - small_case.ct.hu) > 200)
    center = mm_to_index(small_case.ct.affine_lps, small_case.ct.center_mm)
    distance_mm = np.linalg.norm((changed - center) * [4.0, 2.2, 2.2], axis=1)
    assert len(changed) > 50
    assert distance_mm.max() < 30
    assert healthy.ct.center_mm == small_case.ct.center_mm
    assert not healthy.ct.mask.any()
    assert healthy.region_diameter_mm is None
    assert np.median(healthy.ct.hu[small_case.ct.mask]) < -700


def test_malignancy_follows_the_stated_rule(small_case: PhantomCase) -> None:
    truth = small_case.truth()
    # -2.6 + 1.6 (20 mm) + 0.55 + 0.25 - 0.25 + 0.08 (64 years) + 0.24 (20 pack-years)
    assert truth["malignancy_probability"] == pytest.approx(1 / (1 + np.exp(0.13)), abs=1e-3)
    assert "0.16 (diameter_mm - 10)" in truth["malignancy_rule"]
