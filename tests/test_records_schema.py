"""Versions of the schema: older records stay readable, and each version has a golden file that may never change."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from record_builder import make_record

from inng_bench.errors import InputError
from inng_bench.hashes import canonical_hash
from inng_bench.records import store
from inng_bench.records.migrations import MIGRATIONS
from inng_bench.records.schema import SCHEMA_VERSION, Limits, Record

GOLDEN = Path(__file__).parent / "golden"
REFERENCE = Path(__file__).parents[1] / "results" / "reference"


def golden(version: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((GOLDEN / f"record-schema-{version}.json").read_text())
    return content


def test_every_version_has_a_golden_file_and_every_older_one_a_migration() -> None:
    versions = sorted(int(re.findall(r"\d+", path.name)[0]) for path in GOLDEN.glob("record-schema-*.json"))
    assert versions == list(range(1, SCHEMA_VERSION + 1))
    assert sorted(MIGRATIONS) == versions[:-1]


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_a_record_of_every_version_is_read_and_written_in_the_present_one(version: int, tmp_path: Path) -> None:
    record = store.read_record(GOLDEN / f"record-schema-{version}.json")
    assert record.schema_version == SCHEMA_VERSION
    assert (record.settings, record.samples) == ({"preset": "fast", "rate": 0.05, "threshold": None}, 4)
    assert record.throughput is not None
    assert store.read_record(store.write_record(tmp_path, record)) == record


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_a_record_keeps_all_that_its_version_knew(version: int) -> None:
    told = json.loads(store.read_record(GOLDEN / f"record-schema-{version}.json").model_dump_json())
    content = golden(version)
    if version == 3:
        del content["model"]["sample_flops"]  # it may be that of all samples
    if version < 7:
        content["texture"]["held_out"] = [content["texture"]["held_out"]]
    for name, value in content.items():
        if name not in ("schema_version", "checksum"):
            assert_contained(value, told[name])


def test_the_cost_of_a_sample_of_version_3_is_not_known() -> None:
    model = store.read_record(GOLDEN / "record-schema-3.json").model
    assert model is not None
    assert model.sample_flops is None


def assert_contained(old: Any, new: Any) -> None:
    if not isinstance(old, dict | list):
        assert new == old
        return
    for place, value in old.items() if isinstance(old, dict) else enumerate(old):
        assert_contained(value, new[place])


def test_what_the_whole_density_of_version_4_detects_is_not_known() -> None:
    (found,) = store.read_record(GOLDEN / "record-schema-4.json").detection
    assert (found.auc, found.whole_auc) == (0.99, None)


def test_how_typical_windows_were_is_not_known_of_version_5() -> None:
    (found,) = store.read_record(GOLDEN / "record-schema-5.json").detection
    assert (found.whole_auc, found.typical_auc) == (0.97, None)


def test_the_one_held_out_window_of_version_6_is_one_of_several_and_its_role_is_not_known() -> None:
    texture = store.read_record(GOLDEN / "record-schema-6.json").texture
    assert (len(texture.held_out), texture.held_out[0].left, texture.role) == (1, 256, "none")


def test_what_version_1_did_not_know_is_not_known() -> None:
    record = store.read_record(GOLDEN / "record-schema-1.json")
    assert record.limits == Limits()
    machine = record.provenance
    assert (machine.source_sha256, machine.libraries, machine.environment) == (None, {}, {})


def test_a_golden_file_of_the_present_version_has_every_field() -> None:
    assert golden(SCHEMA_VERSION).keys() == {*Record.model_fields, "checksum"}


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 10**30])
def test_a_newer_record_is_refused_with_what_to_do(version: int, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**golden(1), "schema_version": version}))
    with pytest.raises(InputError, match="update the package"):
        store.read_record(path)


@pytest.mark.parametrize("version", [True, 0, -1, 1.0, "1", None, [1]])
def test_what_is_no_version_is_refused(version: object, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**golden(1), "schema_version": version}))
    with pytest.raises(InputError, match="its schema version is"):
        store.read_record(path)


@pytest.mark.parametrize("provenance", [None, [], "x", {}])
def test_a_damaged_old_record_is_named_and_not_a_crash(provenance: object, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**golden(1), "provenance": provenance}))
    with pytest.raises(InputError, match="provenance"):
        store.read_record(path)


def test_a_figure_changed_in_the_file_is_noticed_although_all_is_well_formed(tmp_path: Path) -> None:
    path = store.write_record(tmp_path, make_record())
    text = path.read_text()
    assert '"value": 0.2' in text
    path.write_text(text.replace('"value": 0.2', '"value": 0.1', 1))
    with pytest.raises(InputError, match="does not agree with its checksum"):
        store.read_record(path)


def test_no_flipped_bit_of_a_record_gives_another_record(tmp_path: Path) -> None:
    record = make_record()
    path = store.write_record(tmp_path, record)
    whole = path.read_bytes()
    refused = 0
    for position in range(0, len(whole), 7):
        flipped = whole[position] ^ (1 << position % 8)
        path.write_bytes(whole[:position] + bytes([flipped]) + whole[position + 1 :])
        try:
            assert store.read_record(path) == record  # such as the exponent of 1e-05 in capitals
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017 (one of the two must hold)
            refused += 1
    assert refused > 0.9 * len(whole) / 7


def test_the_checksum_is_that_of_the_canonical_content() -> None:
    content = golden(SCHEMA_VERSION)
    checksum = content.pop("checksum")
    assert checksum == canonical_hash(content)


@pytest.mark.skipif(not REFERENCE.exists(), reason="an sdist has no reference results")
def test_the_committed_results_can_be_read() -> None:
    folders = [path.parent for path in REFERENCE.glob("*/suite.json")]
    assert folders
    assert all(store.read_records(folder) for folder in folders)
