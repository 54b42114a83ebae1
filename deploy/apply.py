"""All steps of a deployment, in an order in which each finds what it needs."""

from collections.abc import Callable, Collection, Iterable, Mapping

from deploy import firestore, messaging, project, request_logs, secret_values, services
from deploy.access import Access
from deploy.functions import SERVICES, functions, service_name
from deploy.gcloud import Gcloud
from deploy.grants import Grant, Kind, all_grants, possible_grants
from deploy.monitoring.apply import apply_alerts, apply_metrics
from local.topology import FUNCTIONS
from shared.errors import PipelineError

Say = Callable[[str], None]


class Deployment:
    """One run: the steps share what the earlier ones have found out."""

    def __init__(self, gcloud: Gcloud, settings: Mapping[str, str], only: Collection[str]) -> None:
        self._gcloud = gcloud
        self._settings = settings
        self._deployed = functions(settings)
        self._chosen = tuple(f for f in self._deployed if not only or f.name in only)
        self._number = ""
        self._versions: dict[str, str] = {}
        self._admin = settings["BRAND_ADMIN_EMAIL"]
        self.urls: dict[str, str] = {}

    def run(self, say: Say) -> None:
        """Run all steps. Raises PipelineError that names the one that failed."""
        steps = self._steps()
        for count, (name, step) in enumerate(steps, start=1):
            say(f"[{count}/{len(steps)}] {name}")
            before = self._gcloud.changes
            try:
                step()
            except PipelineError as error:
                raise PipelineError(f"stopped at step {count}, {name}:\n{error}") from error
            if self._gcloud.changes == before:
                say("  nothing to change")

    def _steps(self) -> list[tuple[str, Callable[[], None]]]:
        gcloud = self._gcloud
        return [
            ("project", self._find_project),
            ("APIs", lambda: project.apply_apis(gcloud)),
            ("service accounts", lambda: project.apply_accounts(gcloud, self._deployed)),
            ("secrets", self._apply_secrets),
            ("database", lambda: firestore.apply_database(gcloud)),
            ("indexes", lambda: firestore.apply_indexes(gcloud, firestore.load_spec())),
            ("topics", lambda: messaging.apply_topics(gcloud, FUNCTIONS)),
            ("request logs", lambda: request_logs.apply_exclusion(gcloud)),
            ("log metrics", lambda: apply_metrics(gcloud)),
            ("grants", lambda: self._grant(*_EARLY)),
            ("functions (a build takes two or three minutes)", self._apply_services),
            ("functions that are not wanted any more", self._remove_services),
            ("grants on functions", lambda: self._grant(Kind.SERVICE)),
            ("subscriptions", self._apply_subscriptions),
            ("grants on subscriptions", lambda: self._grant(Kind.SUBSCRIPTION)),
            ("scheduler", lambda: messaging.apply_jobs(gcloud, self._chosen, self.urls)),
            ("alerts and dashboard", lambda: apply_alerts(gcloud, self._admin)),
        ]

    def _find_project(self) -> None:
        self._number = project.number_of(self._gcloud)
        # Known beforehand, so that what it is itself told, and who makes links to it, need not wait.
        links = services.url_of("manage_booking", self._number)
        self._settings = {"LINKS_BASE_URL": links, **self._settings}

    def _apply_secrets(self) -> None:
        self._versions = secret_values.apply_secrets(self._gcloud, self._settings)

    def _apply_services(self) -> None:
        names = [function.name for function in self._chosen]
        services.apply_services(self._gcloud, names, self._settings, self._versions)
        self.urls = services.urls(self._gcloud, self._number, [f.name for f in self._deployed])

    def _remove_services(self) -> None:
        services.remove_others(self._gcloud, [f.name for f in self._deployed])

    def _apply_subscriptions(self) -> None:
        messaging.apply_subscriptions(self._gcloud, self._chosen, self.urls)

    def _grant(self, *kinds: Kind) -> None:
        hanging = {service_name(f.name) for f in self._chosen}
        hanging |= {name for f in self._chosen for name in f.subscriptions()}

        def now(grants: Iterable[Grant]) -> list[Grant]:
            known = [grant for grant in grants if grant.kind in kinds]
            return [grant for grant in known if grant.kind in _EARLY or grant.on in hanging]

        places = [(grant.kind, grant.on) for grant in now(possible_grants())]
        Access(self._gcloud, self._number).apply(now(all_grants(self._settings)), places)


# What every function needs before it is deployed; the rest hangs on the deployed function.
_EARLY = (Kind.PROJECT, Kind.TOPIC, Kind.SECRET, Kind.ACCOUNT)


def check_names(only: Collection[str], settings: Mapping[str, str]) -> None:
    """Raise PipelineError for functions that there are not, or not with these settings."""
    unknown = [name for name in only if name not in SERVICES]
    if unknown:
        raise PipelineError(
            f"there is no function {', '.join(unknown)}; there are {', '.join(SERVICES)}"
        )
    known = {function.name for function in functions(settings)}
    for name in only:
        if name not in known:
            choice = "=".join(SERVICES[name].only_with or ())
            raise PipelineError(f"{name} is deployed with {choice} only")
