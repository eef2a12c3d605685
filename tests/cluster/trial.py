"""The trial, told from top to bottom: images, a small release and the guide's journey, a release of many pods under
load that is killed at, upgraded, upgraded badly, rolled back, looked through, and removed."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache

import httpx

from local import Problem
from local.journeys.ccq import play as play_ccq
from local.journeys.narrator import Narrator, PromiseBroken
from local.ports import SERVICES
from tests.cluster import building, leftovers
from tests.cluster.building import FOLDER, Building, lay_out, populate, short
from tests.cluster.kills import BETWEEN, WAYS, PodBreaker
from tests.cluster.kube import Namespace
from tests.cluster.release import HOST, RELEASE, BehindTheDoor, LoadedRelease, Release
from tests.cluster.routes import Door, hosts_of, rules_of
from tests.cluster.standins import StandIns
from tests.cluster.steady import Seen, readers
from tests.cluster.told import Told
from tests.faults.checker import check
from tests.faults.history import History, Kind
from tests.faults.run import Run, left_behind, loaded
from tests.faults.schedule import plan

OVER_HTTP = frozenset(Kind) - {Kind.IMPORT, Kind.LAPSE, Kind.OUTLIVE}
"""Commands that a gateway answers."""

QUIET_BEFORE, QUIET_AFTER = 10.0, 10.0
"""Seconds of load before and after a release is replaced, which count with it."""

GONE_WITHIN = 20
"""Looks, a second apart, until what was owned by what was removed is gone too."""

OLD, NEW, BROKEN = "old", "new", "broken"


@dataclass(frozen=True)
class Options:
    """What a run is asked for. `commits` are the one that is installed and the one that follows it. `seconds` is how
    long pods are killed; `patience` the seconds that anything may take to become ready. `only` names parts."""

    building: Building
    commits: tuple[str, str]
    namespace: str
    seconds: float
    seed: int
    patience: float
    keep: bool
    only: frozenset[str]
    agency: str = "ccq"
    size: int = 3


@dataclass
class Trial:
    """One run. Raises Problem and PromiseBroken at the first thing that does not hold."""

    options: Options
    told: Told
    versions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.namespace = Namespace(self.options.namespace)
        agency = self.options.agency
        self.tags = {which: f"{version}-{agency}" for which, version in self._loaded().items()}
        self.trees = {which: FOLDER / "trees" / which for which in ("plain", OLD, NEW, BROKEN)}

    def play(self) -> None:
        """Everything, or the parts that are asked for."""
        parts: dict[str, Callable[[], None]] = {
            "images": self.images,
            "journey": self.journey,
            "load": lambda: asyncio.run(self.load()),
        }
        for name, part in parts.items():
            if not self.options.only or name in self.options.only:
                part()
        if not self.options.keep:
            self.namespace.remove()

    def images(self) -> None:
        """Images of both commits."""
        options, told = self.options, self.told
        with told.step("Images of two commits are built and brought to the cluster"):
            commits = dict(zip((OLD, NEW), options.commits, strict=True)) | {BROKEN: options.commits[1]}
            for which, commit in commits.items():
                populate(lay_out(commit, self.trees[which]), options.agency, options.size)
            lay_out(options.commits[0], self.trees["plain"])
            for which in (NEW, BROKEN):
                building.expand(self.trees[which])
            building.break_a_migration(self.trees[BROKEN])
            wanted = {"plain": short(options.commits[0])} | self._loaded()
            for which, version in wanted.items():
                with told.took(f"{which}, of commit {version}"):
                    names = options.building.build(self.trees[which], options.agency, version)
                    options.building.bring(*names)
            with told.took("the stand-ins"):
                options.building.bring(options.building.stand_ins())

    def journey(self) -> None:
        """A small release, and the guide's journey on it."""
        options, told = self.options, self.told
        with told.step("A small release (one Deployment a service) is installed where Pod Security “restricted” holds"):
            stand_ins = self._stand_ins()
            release = BehindTheDoor(
                stand_ins, self.trees["plain"], f"{short(options.commits[0])}-{options.agency}",
                shape="whole", mails="outside", folder=FOLDER / "journey", patience=options.patience,
            )  # fmt: skip
            before = self._installed(release)
        with told.step("The guide of CCQ is played against the HTTPRoutes' Services"):
            self._play(release)
        with told.step("The small release is uninstalled"):
            self._uninstalled(release, before)

    async def load(self) -> None:
        """A release of many pods, under load from its first day to its last."""
        options, told = self.options, self.told
        with told.step("A release with api and workers apart is installed at the earlier commit"):
            stand_ins = await asyncio.to_thread(self._stand_ins)
            release = LoadedRelease(
                stand_ins, self.trees[OLD], self.tags[OLD], options.size, FOLDER / "load", options.patience
            )
            before = await asyncio.to_thread(self._installed, release)
            first = release.helm.revision()
        run = Run(
            options.seed, options.seconds, options.agency, size=options.size, newcomers=4, commands_a_second=6.0,
            code_minutes=building.CODE_MINUTES, settling=300.0, ways=WAYS, between=BETWEEN, answer_within=30.0,
            joining=options.patience,
        )  # fmt: skip
        history, breaker = History(), PodBreaker(release, options.seed)
        under = Under(release, history, told, options.seed)
        async with loaded(run, release, history, told.say):
            with told.step("Pods are killed at random, and Kafka's and PostgreSQL's processes, under load"):
                await self._kill(run, breaker)
            with told.step("The release is upgraded to the later commit under load, migrations first"):
                async with under.without_a_failed_request("everything was replaced", release):
                    await asyncio.to_thread(release.upgrade, self.trees[NEW], self.tags[NEW])
                told.holds(release.images() == {self.tags[NEW]}, "every pod runs the later commit's image")
                told.holds(
                    await _expanded(release), "each service's outbox has the column of a migration made for this"
                )
            with told.step("An upgrade whose migration fails leaves the release serving"):
                await self._upgrade_badly(under, release)
            with told.step("The release is rolled back under load, onto the newer schema"):
                async with under.without_a_failed_request("everything was replaced", release):
                    await asyncio.to_thread(release.helm.rollback, first, options.patience)
                told.holds(release.images() == {self.tags[OLD]}, "every pod runs the earlier commit's image again")
        with told.step("Nothing was lost, doubled, or out of order"):
            await self._checked(run, release, history, breaker)
        with told.step("The release is uninstalled"):
            await asyncio.to_thread(self._uninstalled, release, before)

    def _loaded(self) -> dict[str, str]:
        """The versions of the images with the load's agency."""
        old, new = map(short, self.options.commits)
        return {OLD: f"{old}.load", NEW: f"{new}.load", BROKEN: f"{new}.broken"}

    def _stand_ins(self) -> StandIns:
        with self.told.took("the namespace, and stand-ins of Kafka, PostgreSQL and the mail hosts"):
            self.namespace.make()
            stand_ins = StandIns(self.namespace, self.options.building.stand_ins_image, self.options.agency)
            stand_ins.start(self.options.patience)
        return stand_ins

    def _installed(self, release: Release) -> set[str]:
        """What was in the namespace before the release."""
        release.prepare()
        before = leftovers.in_namespace(self.namespace)
        with self.told.took("helm install, until everything is ready"):
            release.install()
        pods = release.pods()
        kinds = Counter(f"{pod.service} {pod.role}" for pod in pods)
        self.told.shows(f"{len(pods)} pods: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))
        with self.told.took("demo data imported"):
            release.import_demo_data()
        return before

    def _play(self, release: BehindTheDoor) -> None:
        told, rules = self.told, rules_of(release.routes())
        told.holds(hosts_of(release.routes()) == {HOST}, f"the HTTPRoutes answer for {HOST} alone")
        address = cache(self.namespace.address)
        door = Door(rules, HOST, lambda service, port: f"http://{address(service)}:{port}")
        narrator = Narrator(say=lambda _: None, colour=False)
        with door.open() as release.door:
            try:
                asyncio.run(play_ccq(release, narrator))
            except (PromiseBroken, httpx.HTTPError) as broken:
                said: list[str] = []
                narrator.say = said.append
                narrator.end(str(broken) or type(broken).__name__)
                raise PromiseBroken("\n".join(said).strip()) from None
        asked = ", ".join(f"{count} by {service}" for service, count in sorted(door.asked.items()))
        told.holds(
            set(door.asked) == {f"{RELEASE}-{service}" for service in SERVICES},
            f"{narrator.held} promises of the guide kept; the routes led {asked}",
        )

    async def _kill(self, run: Run, breaker: PodBreaker) -> None:
        told = self.told
        schedule = plan(run.seed, run.seconds, run.ways, run.between)
        told.shows(f"seed {run.seed}: {len(schedule)} faults in {run.seconds:.0f} s")
        await breaker.carry_out(schedule)
        done = Counter(f"{fault.target}: {fault.how}" for fault in breaker.damage.carried_out)
        told.shows("; ".join(f"{what}" + (f" ×{count}" if count > 1 else "") for what, count in sorted(done.items())))
        for fault in breaker.damage.left_out:
            told.shows(f"left out, it was not up or met nothing: {fault.target} {fault.how}")
        planned, broken = {fault.target for fault in schedule}, {fault.target for fault in breaker.damage.carried_out}
        told.holds(
            broken == planned,
            f"{len(breaker.damage.carried_out)} were carried out, one of each Deployment and server at least, and each"
            " was mended by Kubernetes alone",
        )
        await asyncio.to_thread(
            self.namespace.until, breaker.ground.whole, "every pod is ready after the faults", self.options.patience
        )

    async def _upgrade_badly(self, under: "Under", release: LoadedRelease) -> None:
        pods = {pod.name for pod in release.pods()}
        async with under.without_a_failed_request("it gave up", release):
            try:
                await asyncio.to_thread(release.upgrade, self.trees[BROKEN], self.tags[BROKEN])
            except Problem as problem:
                said = str(problem)
            else:
                raise PromiseBroken("an upgrade whose migration fails was taken for a good one")
        self.told.holds("migrate" in said or "hook" in said, "helm upgrade fails, and names the migration's Job")
        left = {pod.name for pod in release.pods()}
        self.told.holds(left == pods, f"the same {len(pods)} pods as before serve on")
        half_done = "select to_regclass('half_done') is null"
        async with release.connected("authorizations") as connection:
            self.told.holds(await connection.fetchval(half_done), "nothing of the failed migration stays")
        self.namespace.kubectl("delete", "job", "-l", "app.kubernetes.io/component=migrate")

    async def _checked(self, run: Run, release: LoadedRelease, history: History, breaker: PodBreaker) -> None:
        told = self.told
        await asyncio.to_thread(release.hurry)
        evidence = await left_behind(run, release, history, breaker.damage.sent_again, told.say)
        report = check(evidence)
        for what, count in sorted(history.summary().items()):
            told.say(f"   {count:7,}  {what}")
        for line in report.lines():
            told.say(f"   {line}")
        accepted, records = report.counted["commands accepted"], len(evidence.records)
        told.shows(f"{accepted:,} commands accepted, {records:,} records on the topics")
        if not report.clean:
            raise PromiseBroken("\n".join(str(finding) for finding in report.findings[:20]))
        told.holds(report.clean, "the delivery checker finds nothing lost, doubled, out of order or left")

    def _uninstalled(self, release: Release, before: set[str]) -> None:
        with self.told.took("helm uninstall"):
            release.helm.uninstall(self.options.patience)
            self.namespace.until(lambda: not release.pods(), "the services' pods are gone", self.options.patience)
        left, tries = leftovers.left(before, leftovers.in_namespace(self.namespace)), 0
        while left and tries < GONE_WITHIN:
            time.sleep(1)
            left, tries = leftovers.left(before, leftovers.in_namespace(self.namespace)), tries + 1
        self.told.holds(not left, "nothing is left in the namespace that was not there before" + _named(left))
        left = sorted(leftovers.of_release(namespaced=False))
        self.told.holds(not left, "nothing of it is left in the cluster" + _named(left))


@dataclass
class Under:
    """The load, while a release is replaced: what of it failed."""

    release: LoadedRelease
    history: History
    told: Told
    seed: int

    @contextlib.asynccontextmanager
    async def without_a_failed_request(self, what: str, release: LoadedRelease) -> AsyncIterator[None]:
        """Raises PromiseBroken when any request failed from some seconds before the block until some after it."""
        began, asked, unanswered = time.monotonic(), self._asked(), self._unanswered()
        async with readers(release, self.seed) as seen:
            await asyncio.sleep(QUIET_BEFORE)
            with self.told.took(f"helm, until {what}"):
                yield
            await asyncio.to_thread(release.namespace.until, release.whole, "the old pods are gone", release.patience)
            await asyncio.sleep(QUIET_AFTER)
        self.told.shows(f"read in {time.monotonic() - began:.0f} s: {seen}")
        for failure in seen.failures[:10]:
            self.told.say(f"   {failure}")
        failed = self._unanswered() - unanswered
        self.told.holds(
            not seen.failures and not failed,
            f"of {sum(seen.answered.values()) + self._asked() - asked:,} requests, {self._asked() - asked:,} of them"
            f" commands, none failed" + _failed(seen, failed),
        )

    def _asked(self) -> int:
        return sum(command.requests for command in self.history.commands if command.kind in OVER_HTTP)

    def _unanswered(self) -> int:
        return sum(command.unanswered for command in self.history.commands if command.kind in OVER_HTTP)


async def _expanded(release: LoadedRelease) -> bool:
    """Whether every database has what `building.expand` adds."""
    for service in SERVICES:
        async with release.connected(service) as connection:
            if not await connection.fetchval(building.IS_EXPANDED):
                return False
    return True


def _failed(seen: Seen, commands: int) -> str:
    if not seen.failures and not commands:
        return ""
    return f" – but {len(seen.failures)} reads and {commands} commands did: {'; '.join(map(str, seen.failures[:5]))}"


def _named(left: list[str]) -> str:
    return f" – but {', '.join(left)}" if left else ""
