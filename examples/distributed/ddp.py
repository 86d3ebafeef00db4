"""DistributedDataParallel on the CPU, called as the recipe PyTorch-GPU-Distributed-Gloo calls its script."""

import argparse
import os

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--world-size", type=int, required=True)
    parser.add_argument("--rank", type=int, required=True)
    parser.add_argument("--dist-url", required=True)
    parser.add_argument("--dist-backend", default="gloo")
    parser.add_argument("--steps", type=int, default=200)
    args = parser.parse_args()
    dist.init_process_group(args.dist_backend, args.dist_url, world_size=args.world_size, rank=args.rank)
    torch.manual_seed(args.rank)
    x = torch.rand(200, 1) * 2  # this rank's part of the data
    y = 3 * x + 2
    model = DistributedDataParallel(torch.nn.Linear(1, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for step in range(args.steps + 1):
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(f"rank {args.rank} of {args.world_size}, step {step}: loss {loss.item():.6f}", flush=True)
    dist.destroy_process_group()
    # torch's own threads may abort a process while its interpreter comes down; all has been said by now.
    os._exit(0)


main()
