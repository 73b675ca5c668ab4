"""From a record back to its trained network."""

from rnnbench.config import from_dict
from rnnbench.errors import UserError
from rnnbench.learners.base import Learner
from rnnbench.recording import load_weights
from rnnbench.storage.record import BEST_CHECKPOINT, Record
from rnnbench.trial import Preparation


def load_trained(record: Record) -> Learner:
    """The network of a record with its best weights, in evaluation mode.

    The task is built anew from the recorded config, since its vocabulary comes from its data.

    Raises:
        UserError: there are no weights, the config is of another version, or the data has changed since.
    """
    weights = record.folder / BEST_CHECKPOINT
    if not weights.is_file():
        raise UserError(f"run {record.id} ({record.status}) has no trained network in {record.folder}")
    trial = Preparation().prepare(from_dict(record.config))
    was, now = record.facts.get("fingerprint"), trial.facts["fingerprint"]
    if was != now:
        raise UserError(f"the data of run {record.id} has changed since it was trained (fingerprint {was}, now {now})")
    learner = trial.build_learner()
    load_weights(learner, weights)
    return learner.eval()
