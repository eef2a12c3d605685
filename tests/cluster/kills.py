"""Kills pods at random, as nodes, kernels and operators do, under the fault harness's load."""

import asyncio
import contextlib
import random
from collections.abc import Sequence

from local import Problem
from local.ports import SERVICES
from tests.cluster.kube import Pod
from tests.cluster.release import LoadedRelease
from tests.faults.breaker import Breaker
from tests.faults.repeating import send_again
from tests.faults.schedule import RECORDS, SERVERS, Breakage, Fault

DEPLOYMENTS = tuple(f"{service}-{role}" for service in SERVICES for role in ("api", "worker"))
KILLED, DELETED = "kill -9", "deleted"

WAYS: Sequence[Breakage] = (
    *(Breakage(name, how, 0.0, 0.0) for name in DEPLOYMENTS for how in (KILLED, DELETED)),
    *(Breakage(server, KILLED, 0.0, 0.0) for server in SERVERS),
    Breakage(RECORDS, "again", 0.0, 0.0),
)
"""A process ends as by kill -9, and its container is started again; a pod is deleted without grace, and another one
takes its place while its process may still run. Kafka's and PostgreSQL's processes are ended once in a round and no
oftener: Kubernetes waits longer each time before it starts a container again that has ended."""

BETWEEN = (2.0, 6.0)
"""Shortest and longest time (seconds) from one to the next: a round of all in about a minute and a half."""

END = """
import ctypes, os
seize, with_its_tracer = 0x4206, 1 << 20
libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(seize, 1, None, ctypes.c_void_p(with_its_tracer)) != 0:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
"""
"""Ends a container's first process, which no signal from inside its container ends by force: the kernel kills what is
traced with PTRACE_O_EXITKILL as its tracer exits (ptrace(2))."""

UP_AGAIN = 120.0
"""Seconds until a container that was ended runs again: Kubernetes waits longer each time that it ends."""


class PodBreaker(Breaker):
    """Breaks a release: any of the pods of a Deployment, the servers' processes, the records."""

    def __init__(self, ground: LoadedRelease, seed: int) -> None:
        super().__init__(ground.folder / "breaker.log")
        self.ground = ground
        self._chance = random.Random(seed)

    async def is_up(self, target: str) -> bool:
        """Whether something of it is ready."""
        if target == RECORDS:
            return True
        with contextlib.suppress(Problem):
            return any(pod.ready for pod in await asyncio.to_thread(self._pods, target))
        return False

    async def break_and_mend(self, fault: Fault) -> bool:
        """Break one of its pods; returns when Kubernetes has mended it, or has not in time."""
        if fault.target == RECORDS:
            self.damage.sent_again |= await send_again(self.ground.kafka_clients)
            return True
        pod = await self._one_that_is_ready(fault.target)
        if pod is None:
            return False
        await asyncio.to_thread(self._break, fault, pod)
        return await self._mended(fault, pod)

    def _pods(self, target: str) -> list[Pod]:
        if target in SERVERS:
            return self.ground.namespace.pods(f"stand-in={target}")
        service, role = target.split("-")
        return self.ground.pods(service, role)

    def _break(self, fault: Fault, pod: Pod) -> None:
        stand_ins, namespace = self.ground.stand_ins, self.ground.namespace
        with contextlib.suppress(Problem):  # the container that ran it may be gone before it has said that it did
            match fault.target, fault.how:
                case server, _ if server in SERVERS:
                    stand_ins.kill(server)
                case _, how if how == KILLED:
                    namespace.exec(pod.name, "python", "-c", END, patience=30)
                case _:
                    namespace.kubectl("delete", "pod", pod.name, "--grace-period=0", "--force", "--wait=false")

    async def _one_that_is_ready(self, target: str) -> Pod | None:
        """Any of its pods, as soon as one is ready; None when patience ends before."""
        deadline = asyncio.get_running_loop().time() + UP_AGAIN
        while asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(Problem):
                if pods := [pod for pod in await asyncio.to_thread(self._pods, target) if pod.ready]:
                    return self._chance.choice(pods)
            await asyncio.sleep(1.0)
        return None

    async def _mended(self, fault: Fault, broken: Pod) -> bool:
        """Whether the container was started again, or another pod is there in its place, and is ready."""
        deadline = asyncio.get_running_loop().time() + UP_AGAIN
        while asyncio.get_running_loop().time() < deadline:
            with contextlib.suppress(Problem):
                pods = await asyncio.to_thread(self._pods, fault.target)
                if replaced(fault, broken, pods) and all(pod.ready for pod in pods):
                    return True
            await asyncio.sleep(1.0)
        return False


def replaced(fault: Fault, broken: Pod, pods: Sequence[Pod]) -> bool:
    """Whether another pod stands for one that was deleted, or the container of one that was killed is another."""
    same = next((pod for pod in pods if pod.name == broken.name), None)
    return same is None if fault.how == DELETED else same is not None and same.restarts > broken.restarts
