"""Makes core/src/test/resources/trackers with the writers of TensorBoard and wandb: python trackers.py OUT_FOLDER

Needs tensorboard and wandb==0.22.3, the last line of versions with a writer in Python.
"""

import hashlib
import sys
from pathlib import Path

import wandb
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter
from wandb.proto import wandb_internal_pb2 as pb
from wandb.sdk.internal.datastore import DataStore

out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)

VALUES = {"reward": 0.25, "rollout_corr/kl": -1.5e-3, "time/seconds": 12.5}

summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=k, simple_value=v) for k, v in VALUES.items()])
event = event_pb2.Event(wall_time=1795855488.25, step=300, summary=summary)
with open(out / "event.tfrecord", "wb") as file:
    RecordWriter(file).write(event.SerializeToString())

wandb._assert_is_internal_process = True
(out / "run.wandb").unlink(missing_ok=True)
store = DataStore()
store.open_for_write(str(out / "run.wandb"))
number = 0


def json(value):
    """As Java writes a double."""
    return repr(value) if abs(value) < 1e7 else f"{value / 1e9!r}E9"


def write(**fields):
    global number
    number += 1
    store.write(pb.Record(num=number, **fields))


write(header=pb.HeaderRecord(version_info=pb.VersionInfo(producer="minpro", min_consumer="0.40.0")))
run = pb.RunRecord(run_id="abcd1234", project="minpro", display_name="0001")
run.config.update.add(key="_wandb", value_json="{}")
run.config.update.add(key="lag", value_json='"2"')
run.start_time.seconds = 1795855488
write(run=run)
for step, time in ((0, 1795855488.25), (1, 1795855489.25)):
    values = dict(VALUES)
    if step == 1:
        values["eval/accuracy"] = 0.5
    values |= {"_timestamp": time, "_runtime": time - 1795855488.25}
    items = [([name], json(value)) for name, value in values.items()] + [(["_step"], str(step))]
    write(summary=pb.SummaryRecord(update=[pb.SummaryItem(nested_key=k, value_json=v) for k, v in items]))
    write(
        history=pb.HistoryRecord(
            item=[pb.HistoryItem(nested_key=k, value_json=v) for k, v in items], step=pb.HistoryStep(num=step)
        )
    )
write(exit=pb.RunExitRecord(exit_code=0))
store.close()

# Records that cross blocks: their bytes are too many to keep, so their SHA-256 is.
big = out / "big.wandb"
big.unlink(missing_ok=True)
store = DataStore()
store.open_for_write(str(big))
for length in (10, 32738, 5, 70000, 32751, 32754, 1):
    store._write_data(bytes(i % 251 for i in range(length)))
store.close()
(out / "big.sha256").write_text(hashlib.sha256(big.read_bytes()).hexdigest() + "\n")
big.unlink()
