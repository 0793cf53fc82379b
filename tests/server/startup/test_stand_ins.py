"""LanceDB works with stand-ins for its clients of services, in the versions that were tried."""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

from tests.support.talking import output_of

from iai_server.startup.stand_ins import STAND_INS, VERSION

CLIENT = "lance_namespace_urllib3_client"
USED = """
import json, sys
from datetime import timedelta

from iai_server.startup.unused_imports import skip_unused_imports

skip_unused_imports()
import lancedb
import pyarrow as pa
from lancedb.index import FTS, IvfFlat

place = lancedb.connect(sys.argv[1], read_consistency_interval=timedelta(0))
vector = pa.list_(pa.float32(), 8)
schema = pa.schema([("id", pa.string()), ("text", pa.string()), ("vector", vector)])
table = place.create_table("words", schema=schema)
rows = [{"id": str(n), "text": f"word{n} same", "vector": [n / 300] * 8} for n in range(300)]
table.add(rows[:200])
table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all().execute(rows[100:])
table.update(where="id = '7'", values={"text": "lighthouse"})
table.delete("id = '8'")
table.create_index("text", config=FTS())
table.create_index("vector", config=IvfFlat(num_partitions=2))
table.optimize(cleanup_older_than=timedelta(0))
table = place.open_table("words")
print(
    json.dumps(
        {
            "names": place.table_names(),
            "rows": table.count_rows(),
            "words": table.search("lighthouse", query_type="fts").limit(3).to_list()[0]["id"],
            "nearest": table.search([0.5] * 8).limit(1).to_arrow()["id"].to_pylist(),
            "ordered": table.search().where("id < '2'").limit(2).to_arrow().num_rows,
        }
    )
)
"""
ASKED_FOR = """
import json, sys

from iai_server.startup.stand_ins import STAND_INS, put_stand_ins

assert put_stand_ins()
import lancedb

found = {name: [each for each in vars(sys.modules[name]) if not each.startswith("_")]
         for name in STAND_INS}
client = [name for name in sys.modules if name.startswith(sys.argv[1])]
print(json.dumps([found, client]))
"""
REAL = """
import importlib, json, sys

missing = [f"{module}.{name}" for module, names in json.loads(sys.argv[1]).items()
           for name in names if not hasattr(importlib.import_module(module), name)]
print(json.dumps(missing))
"""
REFUSED = """
from iai_server.startup.stand_ins import put_stand_ins

assert put_stand_ins()
import lancedb
from lance_namespace.errors import TableNotFoundError

assert issubclass(TableNotFoundError, Exception)
try:
    lancedb.connect_namespace("rest", {"uri": "http://localhost:1"})
except NotImplementedError as exc:
    print(exc)
"""
ANOTHER_VERSION = """
from iai_server.startup import stand_ins

stand_ins.VERSION = "0.0."
assert not stand_ins.put_stand_ins()
import lancedb

print(lancedb.connect_namespace.__name__)
"""
IMPORTED_BEFORE = """
import lancedb
from iai_server.startup.stand_ins import put_stand_ins

assert not put_stand_ins()
print(lancedb.connect_namespace.__name__)
"""


def python(script: str, *arguments: str) -> str:
    return output_of([sys.executable, "-c", script, *arguments], env=dict(os.environ)).strip()


def test_the_installed_lancedb_is_one_in_which_the_stand_ins_were_tried() -> None:
    # For whoever raises it: see that this file passes with the new one, then move `VERSION`.
    assert version("lancedb").startswith(VERSION)


def test_a_table_is_made_changed_indexed_and_searched(tmp_path: Path) -> None:
    assert json.loads(python(USED, str(tmp_path))) == {
        "names": ["words"],
        "rows": 299,
        "words": "7",
        "nearest": ["150"],
        "ordered": 2,
    }


def test_lancedb_asks_the_stand_ins_only_for_what_the_real_modules_have() -> None:
    found, client = json.loads(python(ASKED_FOR, CLIENT))
    assert client == []
    assert found.keys() == set(STAND_INS)
    assert all(found.values()), found
    assert json.loads(python(REAL, json.dumps(found))) == []


def test_a_call_of_a_service_says_that_it_is_not_loaded_here() -> None:
    assert python(REFUSED).startswith("lancedb.namespace.connect_namespace is not loaded")


def test_beside_another_lancedb_the_real_modules_are_loaded() -> None:
    assert python(ANOTHER_VERSION) == "connect_namespace"


def test_a_lancedb_that_was_imported_before_stays_as_it_is() -> None:
    assert python(IMPORTED_BEFORE) == "connect_namespace"
