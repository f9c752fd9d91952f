#!/usr/bin/env python3
"""Data-parallel training of a small language model over MPI, made to be killed.

The model guesses the next character of a text from the characters before it: an embedding, one
hidden layer, a softmax. Each rank works on its share of every batch; gradients are summed over all
ranks, so that all hold the same weights at every step.

Three rules make a run that was killed and resumed end with the same weights, bit for bit, as one
that was not:
  * the batch of a step follows from the seed and the step's number alone;
  * sums over ranks are taken in the order of ranks, whatever MPI does beneath;
  * a checkpoint holds all that the next step depends on, and is whole or not there.

    srun python3 train.py                 # one rank a Slurm task
    mpirun -n 4 python3 train.py
    python3 train.py                      # one rank; works without MPI
"""

import os

# Before numpy: one thread a rank, for the order of a sum must not depend on the number of cores.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
# Before MPI: a rank that waits gives its CPU away, for ranks may outnumber cores.
os.environ.setdefault("OMPI_MCA_mpi_yield_when_idle", "1")

import argparse
import hashlib
import io
import json
import signal
import socket
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DEFAULT_TEXT = "/usr/share/common-licenses/GPL-3"  # on every Debian and Ubuntu machine
EXIT_REFUSED = 2  # it makes no sense to go on: an option or a file is wrong
EXIT_STOPPED = 75  # stopped by a signal with its work saved: start it again
SUFFIX = ".ckpt"
STOPPED = "stopped"  # a file beside the checkpoints: the last run was stopped and wants to go on


class Refusal(Exception):
    """A reason, worded for the user, not to train."""


# ---------------------------------------------------------------------------------------- ranks


class Alone:
    """What is needed of an MPI communicator, for a single process without MPI."""

    rank, size = 0, 1

    def bcast(self, value):
        return value

    def gather(self, value):
        return [value]

    def Abort(self, status):
        os._exit(status)


def join_ranks():
    """The ranks of this run. Refuses when Slurm started several tasks that do not find each other."""
    try:
        from mpi4py import MPI

        ranks = MPI.COMM_WORLD
    except ImportError:
        ranks = Alone()
    tasks = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))
    if ranks.size == 1 and tasks > 1:
        raise Refusal(
            f"Slurm started {tasks} tasks, but MPI sees one: is mpi4py installed on every node, "
            "and was the job started with `srun --mpi=pmix`?"
        )
    return ranks


def sum_over_ranks(ranks, vector):
    """The sum of every rank's `vector`, the same bits on all of them.

    Each rank adds up one slice, in the order of ranks, and hands it to the others. An Allreduce
    moves as much data, but may add in another order on another layout of nodes.
    """
    if ranks.size == 1:
        return vector
    slice_length = -(-vector.size // ranks.size)
    whole = np.zeros(slice_length * ranks.size, vector.dtype)
    whole[: vector.size] = vector
    slices = np.empty((ranks.size, slice_length), vector.dtype)
    ranks.Alltoall(whole, slices)
    total = slices[0].copy()
    for other in slices[1:]:
        total += other
    ranks.Allgather(total, whole)
    return whole[: vector.size]


def on_first_rank(ranks, work):
    """Does `work` on rank 0 and gives its result, or its refusal, to all ranks."""
    answer = None
    if ranks.rank == 0:
        try:
            answer = (work(), None)
        except Refusal as refusal:
            answer = (None, str(refusal))
    result, refused = ranks.bcast(answer)
    if refused is not None:
        raise Refusal(refused)
    return result


# ----------------------------------------------------------------------------------------- data


@dataclass
class Corpus:
    """A text as numbers; the last tenth is held out."""

    alphabet: bytes
    training: np.ndarray
    held_out: np.ndarray
    sha256: str


def read_text(path):
    """The bytes of the text to learn."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise Refusal(f"cannot read the text {path} ({error.strerror}): name another with --text") from error


def make_corpus(text, context):
    """Numbers the text's characters by their place in its alphabet."""
    if len(text) < 20 * (context + 1):
        raise Refusal(f"a text of {len(text)} bytes is too short for a context of {context}")
    alphabet = bytes(sorted(set(text)))
    number_of = np.zeros(256, np.int64)
    number_of[list(alphabet)] = np.arange(len(alphabet))
    numbers = number_of[np.frombuffer(text, np.uint8)]
    cut = len(numbers) * 9 // 10
    return Corpus(alphabet, numbers[:cut], numbers[cut:], hashlib.sha256(text).hexdigest())


def windows(numbers, starts, context):
    """At each start: `context` characters, and the one that follows them."""
    inputs = numbers[starts[:, None] + np.arange(context)]
    return inputs, numbers[starts + context]


def starts_of_step(seed, step, batch, count):
    """Where the windows of a step's global batch begin. Pure: that is why resuming is exact."""
    return np.random.default_rng([seed, step]).integers(0, count, size=batch)


def share(ranks, items):
    """This rank's share of `items`: neighbours, in the order of ranks."""
    return np.array_split(items, ranks.size)[ranks.rank]


# ---------------------------------------------------------------------------------------- model


class Model:
    """Embedding, tanh layer, softmax. All weights are one vector, of which layers are views."""

    def __init__(self, characters, context, embedding, hidden):
        self.context = context
        self.shapes = {
            "embedding": (characters, embedding),
            "hidden": (context * embedding, hidden),
            "hidden_bias": (hidden,),
            "output": (hidden, characters),
            "output_bias": (characters,),
        }
        self.size = sum(int(np.prod(shape)) for shape in self.shapes.values())

    def layers(self, vector):
        """Views of `vector`, a layer each."""
        views, at = {}, 0
        for name, shape in self.shapes.items():
            length = int(np.prod(shape))
            views[name] = vector[at : at + length].reshape(shape)
            at += length
        return views

    def initial(self, seed):
        """Weights to start with: small noise, scaled by what flows into a layer."""
        vector = np.zeros(self.size, np.float32)
        noise = np.random.default_rng(seed)
        for name, layer in self.layers(vector).items():
            if layer.ndim == 2:
                fan_in = 1 if name == "embedding" else layer.shape[0]
                layer[:] = noise.standard_normal(layer.shape) / np.sqrt(fan_in)
        return vector

    def forward(self, weights, inputs):
        """Features, activations, and the logarithms of the probabilities of what came next."""
        w = self.layers(weights)
        features = w["embedding"][inputs].reshape(len(inputs), -1)
        active = np.tanh(features @ w["hidden"] + w["hidden_bias"])
        scores = active @ w["output"] + w["output_bias"]
        scores -= scores.max(axis=1, keepdims=True)
        logarithms = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return features, active, logarithms

    def loss(self, weights, inputs, targets):
        """The summed loss over these windows, in nats."""
        logarithms = self.forward(weights, inputs)[2]
        return -float(logarithms[np.arange(len(targets)), targets].sum(dtype=np.float64))

    def loss_and_gradient(self, weights, inputs, targets):
        """The summed loss over these windows and its gradient, a vector like the weights."""
        features, active, logarithms = self.forward(weights, inputs)
        rows = np.arange(len(targets))
        loss = -float(logarithms[rows, targets].sum(dtype=np.float64))

        gradient = np.zeros(self.size, np.float32)
        g, w = self.layers(gradient), self.layers(weights)
        at_scores = np.exp(logarithms)
        at_scores[rows, targets] -= 1
        g["output"][:] = active.T @ at_scores
        g["output_bias"][:] = at_scores.sum(axis=0)
        at_hidden = (at_scores @ w["output"].T) * (1 - active * active)
        g["hidden"][:] = features.T @ at_hidden
        g["hidden_bias"][:] = at_hidden.sum(axis=0)
        at_features = at_hidden @ w["hidden"].T
        np.add.at(g["embedding"], inputs.ravel(), at_features.reshape(inputs.size, -1))
        return loss, gradient


@dataclass
class State:
    """All that the next step depends on."""

    step: int
    train_loss: float
    weights: np.ndarray
    momentum: np.ndarray  # Adam's running mean of gradients
    variance: np.ndarray  # and of their squares


def adam(state, gradient, rate):
    """Moves the weights by one step of Adam; `state.step` counts it already."""
    state.momentum += np.float32(0.1) * (gradient - state.momentum)
    state.variance += np.float32(0.001) * (gradient * gradient - state.variance)
    mean = state.momentum / np.float32(1 - 0.9**state.step)
    spread = np.sqrt(state.variance / np.float32(1 - 0.999**state.step))
    state.weights -= np.float32(rate) * mean / (spread + np.float32(1e-8))


# ---------------------------------------------------------------------------------- checkpoints


def checkpoint_bytes(state, config):
    """A checkpoint file: the SHA-256 of the rest, a line end, and numpy's archive of the state."""
    note = {"step": state.step, "train_loss": state.train_loss, "config": config}
    archive = io.BytesIO()
    np.savez(
        archive,
        note=np.array(json.dumps(note)),
        weights=state.weights,
        momentum=state.momentum,
        variance=state.variance,
    )
    content = archive.getvalue()
    return hashlib.sha256(content).hexdigest().encode() + b"\n" + content


def read_checkpoint(path):
    """State and config in a checkpoint. ValueError when it is not whole."""
    sha256, _, content = path.read_bytes().partition(b"\n")
    if hashlib.sha256(content).hexdigest().encode() != sha256:
        raise ValueError("its checksum does not match, it is torn or damaged")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        note = json.loads(str(archive["note"]))
        vectors = {name: archive[name] for name in ("weights", "momentum", "variance")}
    return State(note["step"], note["train_loss"], **vectors), note["config"]


def write_whole(path, content):
    """Writes a file so that after a crash it is there as a whole or not at all."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    with open(unfinished, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def saved(folder):
    """The checkpoints in a folder, newest first."""
    return sorted(folder.glob(f"step-*{SUFFIX}"), reverse=True)


def save(folder, state, config, keep):
    """Writes a checkpoint and removes all but the newest `keep`."""
    write_whole(folder / f"step-{state.step:08d}{SUFFIX}", checkpoint_bytes(state, config))
    for old in saved(folder)[keep:]:
        old.unlink()


def check_same(path, theirs, ours):
    """Refuses a checkpoint of another model, another text or another number of ranks."""
    differing = [name for name in ours if theirs.get(name) != ours[name]]
    if differing:
        was = ", ".join(f"{name} {theirs.get(name)}" for name in differing)
        now = ", ".join(f"{name} {ours[name]}" for name in differing)
        raise Refusal(
            f"{path} was made with {was}; this run has {now}. "
            "Start it as it was, or choose another folder with --checkpoints"
        )


def newest_state(folder, config):
    """The newest whole checkpoint's state, or None. Says which it skips, and why."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"cannot make the folder for checkpoints {folder}: {error.strerror}") from error
    for left_over in folder.glob(f"*{SUFFIX}.unfinished"):
        left_over.unlink()
    (folder / STOPPED).unlink(missing_ok=True)
    for path in saved(folder):
        try:
            state, made_with = read_checkpoint(path)
        except (ValueError, KeyError, OSError) as error:
            say(f"skipping {path.name}: {error}")
            continue
        check_same(path, made_with, config)
        say(f"resuming from {path.name}")
        return state
    return None


# -------------------------------------------------------------------------------------- training


class StopSignal:
    """Remembers the signal that asked to stop: Slurm's warning before the time limit, or SIGTERM."""

    def __init__(self):
        self.name = None
        for number in (signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, self.remember)

    def remember(self, number, _frame):
        self.name = signal.Signals(number).name


def say(line):
    """Prints a line at once: output of a killed job must be complete."""
    print(line, flush=True)


class Training:
    """A run: its options, its data, its model, the ranks and the state they share."""

    def __init__(self, options, ranks):
        self.options, self.ranks = options, ranks
        text = on_first_rank(ranks, lambda: read_text(options.text))
        self.corpus = make_corpus(text, options.context)
        self.model = Model(
            len(self.corpus.alphabet), options.context, options.embedding, options.hidden
        )
        self.folder = Path(options.checkpoints)
        self.config = self.fingerprint()
        self.state = on_first_rank(ranks, lambda: newest_state(self.folder, self.config))
        if self.state is None:
            nothing = np.zeros(self.model.size, np.float32)
            weights = self.model.initial(options.seed)
            self.state = State(0, float("nan"), weights, nothing, nothing.copy())

    def fingerprint(self):
        """What must be the same when a run is resumed, for its result to be the same."""
        names = ("context", "embedding", "hidden", "batch", "learning_rate", "seed")
        config = {name: getattr(self.options, name) for name in names}
        return config | {"ranks": self.ranks.size, "text": self.corpus.sha256}

    def step(self, asked_to_stop):
        """Trains one step. True when any rank was asked to stop."""
        state, options = self.state, self.options
        count = len(self.corpus.training) - options.context
        starts = starts_of_step(options.seed, state.step, options.batch, count)
        inputs, targets = windows(
            self.corpus.training, share(self.ranks, starts), options.context
        )
        loss, gradient = self.model.loss_and_gradient(state.weights, inputs, targets)
        # One exchange a step: the gradient, and behind it the loss and the wish to stop.
        message = np.append(gradient, np.array([loss, asked_to_stop], np.float32))
        total = sum_over_ranks(self.ranks, message)
        state.step += 1
        state.train_loss = float(total[-2]) / options.batch
        adam(state, total[:-2] / np.float32(options.batch), options.learning_rate)
        return total[-1] > 0

    def held_out_loss(self):
        """The mean loss over all of the held-out text."""
        count = len(self.corpus.held_out) - self.options.context
        starts = share(self.ranks, np.arange(count))
        inputs, targets = windows(self.corpus.held_out, starts, self.options.context)
        loss = self.model.loss(self.state.weights, inputs, targets)
        return float(sum_over_ranks(self.ranks, np.array([loss]))[0]) / count

    def checkpoint(self):
        """Saves the state; ranks other than the first have nothing to do."""
        if self.ranks.rank == 0:
            save(self.folder, self.state, self.config, self.options.keep)

    def report(self):
        """Prints the losses at this step."""
        held_out = self.held_out_loss()
        if self.ranks.rank == 0:
            state = self.state
            say(f"step {state.step:5d}  train {state.train_loss:.4f}  held-out {held_out:.4f}")

    def run(self, stop):
        """Trains until the last step or until asked to stop; returns the exit status."""
        state, options = self.state, self.options
        while state.step < options.steps:
            stopping = self.step(stop.name is not None) and state.step < options.steps
            if state.step % options.report_every == 0:
                self.report()
            if options.step_delay:
                time.sleep(options.step_delay)
            last = state.step == options.steps
            if stopping or last or state.step % options.checkpoint_every == 0:
                self.checkpoint()
            if stopping:
                self.print_stopped(stop)
                return EXIT_STOPPED
        self.print_result()
        return 0

    def print_stopped(self, stop):
        """Says that the run is to be started again; to train.sbatch by a file, which no rank that
        is killed on its way out can spoil as it can spoil srun's exit status."""
        if self.ranks.rank == 0:
            write_whole(self.folder / STOPPED, b"")
            say(f"stopped by {stop.name or 'a signal to another rank'} after step "
                f"{self.state.step}, which is saved: start it again to go on")

    def print_result(self):
        """The last line: two runs ended alike when its hash is the same."""
        held_out = self.held_out_loss()
        if self.ranks.rank == 0:
            state = self.state
            sha256 = hashlib.sha256(state.weights.tobytes()).hexdigest()
            say(f"final: step {state.step} train {state.train_loss:.4f} "
                f"held-out {held_out:.4f} weights sha256 {sha256}")


def print_start(training):
    """Says what runs where."""
    hosts = training.ranks.gather(socket.gethostname())
    if training.ranks.rank != 0:
        return
    nodes, corpus = sorted(set(hosts)), training.corpus
    say(f"{training.model.size} weights, {len(corpus.training)} characters to learn from, "
        f"{len(corpus.held_out)} held out")
    say(f"{len(hosts)} ranks on {len(nodes)} nodes ({' '.join(nodes)}); "
        f"rank 0 is process {os.getpid()}")
    say(f"checkpoints in {training.folder}; starting after step {training.state.step}")


def default_folder(name):
    """Where checkpoints go: $CHECKPOINT_DIR, the shared home, or where the job was submitted."""
    if "CHECKPOINT_DIR" in os.environ:
        return os.environ["CHECKPOINT_DIR"]
    home = Path("/fsx/home") / os.environ.get("USER", "nobody")
    base = home if home.is_dir() else Path(os.environ.get("SLURM_SUBMIT_DIR", "."))
    return str(base / f"train-{name}")


def read_options(arguments=None):
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Trains a small language model over MPI; can be killed and resumed.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )

    def whole(text):
        number = int(text)
        if number < 1:
            raise argparse.ArgumentTypeError(f"{text} is less than 1")
        return number

    add = parser.add_argument
    add("--steps", type=whole, default=300, help="steps to train in all")
    add("--hidden", type=whole, default=128, help="width of the hidden layer")
    add("--embedding", type=whole, default=16, help="numbers that stand for a character")
    add("--context", type=whole, default=12, help="characters that the model looks back at")
    add("--batch", type=whole, default=512, help="windows a step, over all ranks")
    add("--learning-rate", type=float, default=0.003, help="Adam's step size")
    add("--seed", type=int, default=1, help="of the first weights and the order of data")
    add("--text", default=DEFAULT_TEXT, help="the text to learn")
    add("--name", default="chars", help="of this run, for the folder of its checkpoints")
    add("--checkpoints", metavar="DIR", help="folder for checkpoints, shared by all nodes; "
        "without it $CHECKPOINT_DIR, or train-NAME in the shared home")
    add("--checkpoint-every", type=whole, default=20, metavar="STEPS", help="steps between two")
    add("--keep", type=whole, default=3, help="checkpoints to keep")
    add("--report-every", type=whole, default=20, metavar="STEPS", help="steps between two reports")
    add("--step-delay", type=float, default=0.0, metavar="SECONDS",
        help="pause after each step, to have time to break things")
    options = parser.parse_args(arguments)
    if options.checkpoints is None:
        options.checkpoints = default_folder(options.name)
    return options


def main():
    """Joins the ranks and trains. A rank that fails ends them all, so that none waits for ever."""
    options = read_options()
    stop = StopSignal()
    ranks = Alone()
    try:
        ranks = join_ranks()
        training = Training(options, ranks)
        print_start(training)
        return training.run(stop)
    except Refusal as refusal:
        if ranks.rank == 0:
            print(f"train.py: {refusal}", file=sys.stderr, flush=True)
        return EXIT_REFUSED
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        ranks.Abort(1)
        return 1


if __name__ == "__main__":
    sys.exit(main())
