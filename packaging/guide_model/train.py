"""Trains the network: fixed number of batches, deterministic by seed, resumable after any checkpoint."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import torch
from torch import Tensor, distributed, multiprocessing

from .batches import Batch, BatchMaker
from .circuits import install
from .model import Network, Shape, rope_tables
from .optimizer import make_optimizers
from .tokenizer import base_ids, load_or_learn, seldom_ids
from .watch import accuracy, watched_cases

MUON_LR, ADAM_LR = 0.02, 0.004
WARMUP, DECAY_FROM = 40, 0.35
MAX_GRADIENT = 1.0
WATCH_EVERY, WATCHED = 200, 30  # steps; cases of each kind
NUM_SHAPES = 16  # of batches to compile for; torch gives up after 8, and is a third slower then


def learning_rate(step: int, num_steps: int) -> float:
    """Factor of the full rate: a short rise, a plateau, a straight line to zero."""
    if step < WARMUP:
        return (step + 1) / WARMUP
    progress = step / num_steps
    return 1.0 if progress < DECAY_FROM else max(0.0, (1 - progress) / (1 - DECAY_FROM))


def loss_of(network: Network, batch: Batch, cos: Tensor, sin: Tensor) -> Tensor:
    """Mean cross-entropy of the chosen next tokens, by weight. Products are computed in 16 bits, which doubles the speed."""
    targets = batch.ids.flatten().roll(-1)[batch.positions]
    with torch.autocast(batch.ids.device.type, torch.bfloat16):
        hidden = network(batch.ids, cos, sin).flatten(0, 1)[batch.positions]
        losses = network.losses(hidden, targets)
    return (losses * batch.weights).sum() / batch.weights.sum()


class Run:
    """One worker's network and optimizers and where they are; saved by worker 0, continued by all.

    Workers hold the same weights: each takes its own batches, then gradients are averaged. With two busy cores
    this is faster than one process of two threads, which wait for each other in every single operation.
    """

    def __init__(self, options: argparse.Namespace, worker: int) -> None:
        torch.manual_seed(options.seed)
        self.folder, self.num_steps, self.step = options.folder, options.steps, 0
        self.worker, self.num_workers = worker, options.workers
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        tokenizer = load_or_learn(options.folder / "tokenizer.json", options.seed)
        self.maker = BatchMaker(tokenizer, options.seed, options.steps)
        self.watched = watched_cases(WATCHED)
        self.network = Network(Shape(), base_ids(tokenizer), seldom_ids(tokenizer, options.seed))
        install(self.network)
        self.network.to(self.device)
        self.optimizers = make_optimizers(self.network, MUON_LR, ADAM_LR)
        self.base_rates = [[group["lr"] for group in o.param_groups] for o in self.optimizers]
        torch._dynamo.config.recompile_limit = NUM_SHAPES
        self.loss_of = loss_of if options.no_compile else torch.compile(loss_of, dynamic=False)

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def save(self) -> None:
        if self.worker:
            return
        state = {
            "step": self.step,
            "shape": self.network.shape.as_dict(),
            "network": self.network.state_dict(),
            "optimizers": [o.state_dict() for o in self.optimizers],
        }
        part = self.checkpoint.with_suffix(".tmp")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def resume(self) -> None:
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.step = state["step"]
        self.network.load_state_dict(state["network"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)

    def advance(self) -> tuple[list[float], int]:
        """One step; gives the loss of each batch and how many tokens all workers read."""
        batches = self.maker.batches(self.step, self.worker)
        num_tokens = sum(batch.ids.numel() for batch in batches)
        losses = []
        for batch in batches:
            on_device = Batch(*(t.to(self.device) for t in (batch.ids, batch.positions, batch.weights)))
            cos, sin = (t.to(self.device) for t in rope_tables(self.network.shape, batch.ids.shape[1]))
            loss = self.loss_of(self.network, on_device, cos, sin)
            (loss * (batch.ids.numel() / num_tokens)).backward()
            losses.append(loss.item())
        self.network.hold_fixed()
        self.average_gradients()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), MAX_GRADIENT)
        self.set_rates(learning_rate(self.step, self.num_steps))
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        return losses, num_tokens * self.num_workers

    def watch(self) -> str:
        """How it does on questions it never trains on, in percent; the loss does not tell when choosing is found."""
        shares = accuracy(self.network, self.maker.tokenizer, self.watched)
        return "right: " + ", ".join(f"{category} {share:.0%}" for category, share in shares.items())

    def average_gradients(self) -> None:
        if self.num_workers == 1:
            return
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        distributed.all_reduce(flat)
        flat /= self.num_workers
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def set_rates(self, factor: float) -> None:
        for optimizer, rates in zip(self.optimizers, self.base_rates, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor


def train(run: Run, save_every_s: float) -> None:
    """Run to the end, with a line every few steps and a checkpoint every few minutes."""
    started = saved = time.monotonic()
    tokens, history = 0, []
    while run.step < run.num_steps:
        losses, num_tokens = run.advance()
        tokens += num_tokens
        history.append(losses)
        if run.worker == 0 and run.step % WATCH_EVERY == 0:
            print(run.watch(), flush=True)
        now = time.monotonic()
        if run.step % 10 == 0 or run.step == run.num_steps:
            if run.worker == 0:
                print(report_line(run, history, tokens, now - started), flush=True)
            history.clear()
        if now - saved > save_every_s:
            run.save()
            saved = now
    run.save()


def report_line(run: Run, history: list[list[float]], tokens: int, elapsed_s: float) -> str:
    means = " ".join(f"{sum(losses) / len(losses):.6f}" for losses in zip(*history, strict=False))
    return f"{run.step}/{run.num_steps} loss {means} {tokens / elapsed_s:.0f} tokens/s {elapsed_s:.0f} s"


def work(worker: int, options: argparse.Namespace) -> None:
    """What each worker process does. It compiles into a folder of its own: two that write one file break each other's."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str((options.folder / f"compiled-{worker}").absolute())
    torch.set_num_threads(options.threads)
    torch.use_deterministic_algorithms(True)
    if options.workers > 1:
        meeting_point = f"file://{(options.folder / 'workers').absolute()}"
        distributed.init_process_group(
            "gloo", init_method=meeting_point, rank=worker, world_size=options.workers
        )
    run = Run(options, worker)
    run.resume()
    train(run, options.save_every)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train the guide model.")
    parser.add_argument("--folder", type=Path, default=Path("build/guide"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=6600)
    parser.add_argument(
        "--workers", type=int, default=2, help="processes that share the work; part of the result"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of each worker")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--save-every", type=float, default=180, help="seconds between checkpoints")
    options = parser.parse_args(arguments)
    load_or_learn(options.folder / "tokenizer.json", options.seed)
    (options.folder / "workers").unlink(missing_ok=True)
    if options.workers == 1:
        work(0, options)
    else:
        multiprocessing.spawn(work, (options,), nprocs=options.workers)
