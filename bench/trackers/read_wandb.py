"""Prints the records of a run's offline log, read by wandb's own reader, as JSON: python read_wandb.py RUN"""

import json
import sys
from pathlib import Path

import wandb
from wandb.proto import wandb_internal_pb2 as pb
from wandb.sdk.internal.datastore import DataStore

wandb._assert_is_internal_process = True
(log,) = Path(sys.argv[1]).glob("wandb/offline-run-*/run-*.wandb")
store = DataStore()
store.open_for_scan(str(log))
kinds, history, config, exit_code = [], [], {}, None
while (data := store.scan_data()) is not None:
    record = pb.Record()
    record.ParseFromString(data)
    kind = record.WhichOneof("record_type")
    kinds.append(kind)
    if kind == "run":
        config = {item.key: json.loads(item.value_json) for item in record.run.config.update}
    elif kind == "history":
        history.append({item.nested_key[0]: json.loads(item.value_json) for item in record.history.item})
    elif kind == "exit":
        exit_code = record.exit.exit_code
print(json.dumps({"kinds": kinds, "history": history, "config": config, "exit": exit_code}))
