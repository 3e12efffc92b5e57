"""Due work as jobs of procrastinate, for many machines on one PostgreSQL server.

Our timers are the calendar, and they are written with the change that they follow from. What is
due within half a minute becomes a job in that same transaction, by a trigger; what is due later
becomes one when its time comes near, by a sweep that runs every few seconds on one worker or
another. So the queue holds what is at hand and not every checkout that will ever expire, and
whatever may become of a job, what was due is due until it is done.

A job is about one checkout. Two of the same checkout never run at the same time; the longest
overdue runs first; one that fails runs again, later each time, for about a day, and then waits for
a person. Needs ``checkoutflow[fleet]``.
"""

from __future__ import annotations

from asyncio import to_thread
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from checkoutflow.errors import NotFound, NotSupported, SchemaMismatch, StoreConflict, UsageError
from checkoutflow.flow.host import system_clock
from checkoutflow.flow.logs import log_failure
from checkoutflow.flow.watching import telling
from checkoutflow.stores.contract import Message
from checkoutflow.stores.sql import SqlStore, open_store
from checkoutflow.workers.loop import LOG, pause

try:
    import psycopg
    from procrastinate import (
        App,
        BaseRetryStrategy,
        PsycopgConnector,
        RetryDecision,
        SyncPsycopgConnector,
    )
    from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
    from procrastinate.schema import SchemaManager

    from checkoutflow.stores.postgresql import explain
except ModuleNotFoundError as error:
    raise NotSupported(
        "a fleet needs procrastinate; install it with: pip install 'checkoutflow[fleet]'"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from procrastinate.jobs import Job

    from checkoutflow.flow.sync import CheckoutFlow
    from checkoutflow.flow.telemetry import About, Safe
    from checkoutflow.stores.contract import Store
    from checkoutflow.stores.sql import Destination

QUEUE: Final = "checkoutflow"
MESSAGES: Final = "checkoutflow_messages"  # for workers who take them
_QUEUES: Final = (QUEUE, MESSAGES)
WAKE: Final = "checkoutflow.wake"
TELL: Final = "checkoutflow.tell"
SWEEP: Final = "checkoutflow.sweep"

# With 1, 2, 4 ... 60 minutes between them, they last a little more than a day.
TRIES: Final = 30
# What is due within so many seconds becomes a job at once. An operation under way has a timer that
# is due later than that, and seldom is one needed.
_SOON_S: Final = 30
_SWEEP_AHEAD_S: Final = 60
_EVERY_S: Final = 5
# So many jobs wait at most because of sweeps: what is more is due and stays in the calendar.
MOST_WAITING: Final = 2000
STALLED_S: Final = 30.0

# A job's priority is how early it is due: so the longest overdue is found first, by the index, and
# nobody waits for a job of the same checkout that is due later. It fits 32 bits until 2088.
_PRIORITY: Final = "-greatest(0, least(2147483647, {due} / 1000000 - 1577836800))::int"
_NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

_DEFER: Final = f"""
CREATE OR REPLACE FUNCTION checkoutflow_defer(task text, about text, due bigint, arguments jsonb)
RETURNS integer LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM procrastinate_defer_jobs_v1(ARRAY[ROW(
        CASE task WHEN '{TELL}' THEN '{MESSAGES}' ELSE '{QUEUE}' END, task,
        {_PRIORITY.format(due="due")}, about, about || ' ' || due, arguments,
        CASE WHEN task = '{WAKE}' THEN to_timestamp(due / 1000000.0) END
    )::procrastinate_job_to_defer_v1]);
    RETURN 1;
EXCEPTION WHEN unique_violation THEN RETURN 0;  -- it waits already
END $$"""

_WAKES: Final = (
    f"""
CREATE OR REPLACE FUNCTION checkoutflow_defer_wake(checkout text, due bigint)
RETURNS integer LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT checkoutflow_defer(
        '{WAKE}', 'checkoutflow ' || checkout, due, jsonb_build_object('checkout', checkout)
    )
$$""",
    """
CREATE OR REPLACE FUNCTION checkoutflow_timer_is_near() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM checkoutflow_defer_wake(NEW.checkout_id, NEW.due_at);
    RETURN NULL;
END $$""",
    f"""
CREATE OR REPLACE TRIGGER checkoutflow_timers_become_jobs
AFTER INSERT OR UPDATE OF due_at ON checkoutflow_timers FOR EACH ROW
WHEN (NEW.due_at <= {_NOW} + {_SOON_S} * 1000000)
EXECUTE FUNCTION checkoutflow_timer_is_near()""",
)

_TELLS: Final = (
    f"""
CREATE OR REPLACE FUNCTION checkoutflow_defer_tell(
    checkout text, number bigint, kind text, due bigint
)
RETURNS integer LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT checkoutflow_defer(
        '{TELL}', 'checkoutflow message ' || checkout || '/' || number || '/' || kind, due,
        jsonb_build_object('checkout', checkout, 'version', number, 'kind', kind)
    )
$$""",
    """
CREATE OR REPLACE FUNCTION checkoutflow_message_waits() RETURNS trigger LANGUAGE plpgsql
SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM checkoutflow_defer_tell(NEW.checkout_id, NEW.version, NEW.kind, NEW.at);
    RETURN NULL;
END $$""",
    """
CREATE OR REPLACE TRIGGER checkoutflow_messages_become_jobs
AFTER INSERT ON checkoutflow_outbox FOR EACH ROW
EXECUTE FUNCTION checkoutflow_message_waits()""",
)

# procrastinate looks for jobs with the same lock whenever it fetches one, and has no index for it.
_INDEX: Final = "CREATE INDEX IF NOT EXISTS checkoutflow_jobs_by_lock ON procrastinate_jobs (lock)"

_ROOM: Final = f"""
SELECT {MOST_WAITING} - count(*) AS room FROM procrastinate_jobs
WHERE queue_name = '{QUEUE}' AND status = 'todo'"""

_UNDER_WAY: Final = """EXISTS (
    SELECT FROM procrastinate_jobs job
    WHERE job.lock = '{about}' || {name} AND job.queueing_lock = job.lock || ' ' || {due}
    AND job.status IN ('todo', 'doing', 'failed')
)"""

_SWEEP_WAKES: Final = f"""
SELECT coalesce(sum(checkoutflow_defer_wake(checkout_id, due_at)), 0) AS made FROM (
    SELECT timer.checkout_id, timer.due_at FROM checkoutflow_timers timer
    WHERE timer.due_at <= {_NOW} + {_SWEEP_AHEAD_S} * 1000000 AND NOT {
    _UNDER_WAY.format(about="checkoutflow ", name="timer.checkout_id", due="timer.due_at")
}
    ORDER BY timer.due_at LIMIT greatest(%(room)s, 0)
) found"""

_SWEEP_TELLS: Final = f"""
SELECT coalesce(sum(checkoutflow_defer_tell(checkout_id, version, kind, at)), 0) AS made FROM (
    SELECT message.* FROM checkoutflow_outbox message
    WHERE NOT {
    _UNDER_WAY.format(
        about="checkoutflow message ",
        name="message.checkout_id || '/' || message.version || '/' || message.kind",
        due="message.at",
    )
}
    ORDER BY message.at LIMIT greatest(%(room)s, 0)
) found"""

# A job that failed for good and is about something that was done since by another; and sweeps.
_FORGET_DONE: Final = f"""
DELETE FROM procrastinate_jobs job WHERE status = 'failed' AND (
    task_name = '{WAKE}' AND NOT EXISTS (
        SELECT FROM checkoutflow_timers timer
        WHERE timer.checkout_id = job.args->>'checkout' AND timer.due_at <= {_NOW}
    ) OR task_name = '{TELL}' AND NOT EXISTS (
        SELECT FROM checkoutflow_outbox message
        WHERE message.checkout_id = job.args->>'checkout'
        AND message.version = (job.args->>'version')::bigint
        AND message.kind = job.args->>'kind'
    ) OR task_name = '{SWEEP}'
)"""


def install(url: str, *, messages: bool = False) -> None:
    """Let due work become jobs. Safe to call again; also to change one's mind about messages.

    Makes procrastinate's tables where there are none; newer versions of it are its own to migrate.
    From then on there must be workers, or jobs pile up.

    Args:
        url: The database of the store, whose tables exist.
        messages: Whether each message for the shop becomes a job too: if workers `take` them.

    Raises:
        UsageError: If it is the URL of no PostgreSQL server.
        SchemaMismatch: If the store's tables are not there, or not of this version.
        StoreUnavailable: If the server cannot be reached.
    """
    with _connected(url) as connection, connection.transaction():
        if not _has(connection, "procrastinate_jobs"):
            connection.execute(SchemaManager.get_schema())
        for statement in (_INDEX, _DEFER, *_WAKES, *_TELLS):
            connection.execute(statement)
        if not messages:
            connection.execute(
                "DROP TRIGGER checkoutflow_messages_become_jobs ON checkoutflow_outbox"
            )


def uninstall(url: str) -> None:
    """Let due work become jobs no more. What is due is done by `run_due` and other workers again.

    Jobs that wait are removed; procrastinate's tables stay. Safe to call again, and where nothing
    was installed.

    Raises:
        UsageError, SchemaMismatch, StoreUnavailable: As `install`.
    """
    with _connected(url) as connection, connection.transaction():
        for trigger, table in (("timers", "timers"), ("messages", "outbox")):
            name = f"checkoutflow_{trigger}_become_jobs ON checkoutflow_{table}"
            connection.execute(f"DROP TRIGGER IF EXISTS {name}")
        if _has(connection, "procrastinate_jobs"):
            connection.execute(
                "DELETE FROM procrastinate_jobs"
                " WHERE queue_name = ANY(%s) AND status IN ('todo', 'failed')",
                (list(_QUEUES),),
            )


class _Later(BaseRetryStrategy):
    """Again after 1, 2, 4 ... 60 minutes, behind what is due by then; at last not any more."""

    def __init__(self, telemetry: Safe | None) -> None:
        self._telemetry = telemetry

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        tries, is_message = job.attempts + 1, job.task_name == TELL
        log_failure(
            exception,
            message_id=_about(job.task_kwargs) if is_message else "",
            checkout_id=_about(job.task_kwargs),
            tries=tries,
            is_last=tries >= TRIES,
            log=LOG,
        )
        if tries >= TRIES:
            if self._telemetry is not None:
                work: About = {"checkoutflow.work": "tell" if is_message else "wake"}
                self._telemetry.tell("checkoutflow.dead_letters", 1, work)
            return None
        again = system_clock() + timedelta(seconds=pause(tries))
        return RetryDecision(retry_at=again, priority=_priority(again))


def _priority(due: datetime) -> int:
    """As the database reckons it."""
    epoch = datetime(2020, 1, 1, tzinfo=UTC)
    return -max(0, min(2**31 - 1, int((due - epoch).total_seconds())))


def fleet_app(
    flow: CheckoutFlow,
    url: str | None = None,
    *,
    take: Callable[[Message], object] | None = None,
    stalled_s: float = STALLED_S,
) -> App:
    """The application that procrastinate's workers run; `run_fleet` runs one.

    Args:
        flow: Whose work is done, in several threads.
        url: The database of its store; default: as the store was told.
        take: Called with each message for the shop; once it returns, the message is gone. It may
            see one twice.
        stalled_s: A worker that has given no sign for so many seconds is dead: others do its jobs.

    Raises:
        UsageError: If that is no PostgreSQL server.
    """
    _, server = _on_server(_store_of(flow, url))
    app = App(connector=PsycopgConnector(kwargs=server.arguments()))
    later = _Later(flow.telemetry)

    @app.task(name=WAKE, queue=QUEUE, retry=later)
    def wake(checkout: str) -> None:
        flow.wake(checkout)

    if take is not None:

        @app.task(name=TELL, queue=MESSAGES, retry=later)
        def tell(checkout: str, version: int, kind: str) -> None:
            message = Message(checkout, version, kind)
            with telling(flow.telemetry, message):
                take(message)
            flow.delivered([message])

    # It has no lock: nobody would set a sweep free that died with its worker.
    @app.periodic(cron=f"* * * * * */{_EVERY_S}")
    @app.task(name=SWEEP, queue=QUEUE, queueing_lock=SWEEP, priority=1)
    async def sweep(timestamp: int) -> None:
        await _sweep(app, tells=take is not None, stalled_s=stalled_s)
        if timestamp % 60 < _EVERY_S:
            await to_thread(flow.forget_expired)

    return app


async def _sweep(app: App, *, tells: bool, stalled_s: float) -> None:
    """Make jobs of what is due soon and has none; set free what dead workers held."""
    ask = app.connector.execute_query_one_async
    await app.connector.execute_query_async(_FORGET_DONE)
    for statement in (_SWEEP_WAKES, *((_SWEEP_TELLS,) if tells else ())):
        room = (await ask(_ROOM))["room"]
        await ask(statement, room=room)
    for queue in _QUEUES:
        for job in await app.job_manager.get_stalled_jobs(
            queue=queue, seconds_since_heartbeat=stalled_s
        ):
            await _set_free(app, job)


async def _set_free(app: App, job: Job) -> None:
    """Let a job run again that a dead worker had; not if another one of its kind waits."""
    from procrastinate.jobs import Status  # noqa: PLC0415 -- only here

    try:
        await app.job_manager.retry_job(job, retry_at=system_clock())
    except (AlreadyEnqueued, ConnectorException):
        await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)


def run_fleet(
    flow: CheckoutFlow,
    url: str | None = None,
    *,
    take: Callable[[Message], object] | None = None,
    threads: int = 4,
    is_patient: bool = True,
    stalled_s: float = STALLED_S,
) -> None:
    """Work until SIGTERM or SIGINT; what has begun is finished.

    Args:
        flow: Whose work is done.
        url: The database of its store, after `install`; default: as the store was told.
        take: As for `fleet_app`.
        threads: How many jobs at a time.
        is_patient: False to return when nothing waits any more.
        stalled_s: As for `fleet_app`; the same for all workers.

    Raises:
        UsageError: If that is no PostgreSQL server.
        SchemaMismatch: If the tables are not of this version, or nothing was installed.
        StoreUnavailable: If the server cannot be reached now. Once it works, it waits for a server
            that is gone.
    """
    require_installed(flow, url)
    fleet_app(flow, url, take=take, stalled_s=stalled_s).run_worker(
        queues=list(_QUEUES) if take is not None else [QUEUE],
        concurrency=threads,
        wait=is_patient,
        delete_jobs="successful",
        update_heartbeat_interval=stalled_s / 3,
        stalled_worker_timeout=stalled_s,
    )


# What is left to people ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dead:
    """A job that was tried for a day and is not tried any more.

    Attributes:
        id: Its number.
        about: The checkout; of a message, its id.
        tries: How often it was tried.
    """

    id: int
    about: str
    tries: int


def dead(url: str) -> Sequence[Dead]:
    """Jobs that nobody tries any more, the oldest first. The workers' log says why they failed.

    Raises:
        UsageError, StoreUnavailable: As `install`.
        SchemaMismatch: If the tables are not of this version, or nothing was installed.
    """
    with _connected(url) as connection:
        _require_installed(connection)
        jobs = connection.execute(
            "SELECT id, args, attempts FROM procrastinate_jobs"
            " WHERE queue_name = ANY(%s) AND status = 'failed' ORDER BY id",
            (list(_QUEUES),),
        ).fetchall()
    return [Dead(number, _about(given), tries) for number, given, tries in jobs]


def _about(given: Mapping[str, object]) -> str:
    """The checkout that a job is about; of a message, its id."""
    order = ("checkout", "version", "kind")
    return "/".join(str(given[name]) for name in order if name in given)


def retry(url: str, job_id: int) -> None:
    """Let a dead job be tried again, once more for a day.

    Raises:
        NotFound: If there is no such job, or it is not dead.
        StoreConflict: If another job for the same work waits already.
        UsageError, SchemaMismatch, StoreUnavailable: As `dead`.
    """
    if job_id not in {job.id for job in dead(url)}:
        raise NotFound("there is no such job that nobody tries any more", field="job")
    _, server = _on_server(open_store(url))
    with _connected(url) as connection:
        connection.execute(
            "UPDATE procrastinate_jobs SET attempts = 0 WHERE id = %s AND status = 'failed'",
            (job_id,),
        )
    connector = SyncPsycopgConnector(kwargs=server.arguments(), min_size=1, max_size=1)
    with App(connector=connector).open() as app:
        try:
            app.job_manager.retry_job_by_id(job_id, retry_at=system_clock())
        except ConnectorException as error:
            raise StoreConflict(
                "another job for the same work waits already; this one goes when that is done"
            ) from error


# Where it is --------------------------------------------------------------------------------------


def require_installed(flow: CheckoutFlow, url: str | None = None) -> None:
    """See that a fleet can work for a flow; `run_fleet` does so first.

    Raises:
        UsageError, SchemaMismatch, StoreUnavailable: As `run_fleet`.
    """
    with _connected(_store_of(flow, url)) as connection:
        _require_installed(connection)


def _store_of(flow: CheckoutFlow, url: str | None) -> Store:
    return open_store(url) if url else flow._store  # noqa: SLF001 -- it is the flow's own work


def _on_server(store: Store) -> tuple[SqlStore, Destination]:
    """A store and where its server is.

    Raises:
        UsageError: If it has none.
    """
    if isinstance(store, SqlStore) and store.server is not None:
        return store, store.server
    raise UsageError(
        "a fleet works on PostgreSQL; give the URL of its database, such as postgresql://host/shop"
    )


@contextmanager
def _connected(place: str | Store) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the database, as its store has them."""
    store, _ = _on_server(open_store(place) if isinstance(place, str) else place)
    made: Any = store.connect()
    try:
        with closing(made):
            yield made
    except psycopg.Error as error:
        raise explain(error) from None


def _has(connection: psycopg.Connection[Any], table: str) -> bool:
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return row is not None and bool(row[0])


def _require_installed(connection: psycopg.Connection[Any]) -> None:
    # Others may have procrastinate's tables for themselves.
    made = connection.execute("SELECT to_regproc('checkoutflow_defer_wake') IS NOT NULL").fetchone()
    if made != (True,) or not _has(connection, "procrastinate_jobs"):
        raise SchemaMismatch(
            "there is no fleet on this database; put it up with: checkoutflow fleet install"
        )
