"""Parquet files that pyarrow writes, for ParquetReaderTest, with the rows that they must read back to.

    pip install pyarrow
    python bench/goldens/data_parquet.py core/src/test/resources/data
"""

import datetime
import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
rows = [
    {
        "data_source": "sums",
        "prompt": [{"role": "system", "content": "Be brief. 🙂"}, {"role": "user", "content": f"What is {i}+1?"}],
        "ability": "math" if i % 2 else None,
        "reward_model": {"style": "rule", "ground_truth": str(i + 1)},
        "extra_info": {"index": i, "split": "train", "tags": ["a", "b"][: i % 3], "weights": [[0.5, float(i)], []]},
        "number": i / 4,
        "large": 2**40 + i,
        "truth": i % 2 == 0,
    }
    for i in range(5)
]
for codec in ("none", "snappy", "gzip", "zstd"):
    pq.write_table(pa.Table.from_pylist(rows), out / f"verl_{codec}.parquet", compression=codec)
dictionary = pa.table({"prompt": pa.array(["a", "b", "a"]).dictionary_encode(), "day": [datetime.date(2026, 3, i + 1) for i in range(3)]})
pq.write_table(dictionary, out / "dictionary.parquet", row_group_size=2, data_page_version="2.0")
(out / "verl.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
