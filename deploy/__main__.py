"""The command line behind ``deploy.sh``."""

import argparse
import sys
from pathlib import Path

from deploy import apply, environment, grants, secret_values, teardown
from deploy.delegation import client_ids, delegated
from deploy.doctor.examination import Live, examine
from deploy.functions import MADE, ORDER_PUBLISHER, email
from deploy.gcloud import Gcloud, tell
from shared.domain.events import OrderCreated
from shared.errors import PipelineError

_LEFT_TO_DO = """
The order pipeline is deployed. What is left to do by hand:

1. At Xendit (dashboard, Settings, Webhooks), for "Invoices paid", "Invoices expired", "Refund
   request succeeded" and "Refund request failed", paste
     {webhook}
2. In the Workspace's admin console (admin.google.com, Security, API controls, Domain-wide
   delegation, Add new), let these act for the user {subject}:
{clients}
3. The web app publishes each order as the account {publisher}:
     gcloud pubsub topics publish {topic} --project={project} \\
       --impersonate-service-account={publisher} --message="$(cat ORDER.json)"
4. See whether everything works:
     ./deploy.sh doctor --env-file {file}
"""
_LEFT_AT_META = """
WhatsApp (docs/deploying.md goes through it): have the templates approved that
     python -m local whatsapp-templates
prints, and in the app's dashboard, WhatsApp, Configuration, set the callback URL
     {webhook}
with WHATSAPP_VERIFY_TOKEN, and subscribe to the field "messages".
"""


def main(arguments: list[str]) -> int:
    """Run one command; return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except PipelineError as error:
        sys.stderr.write(f"deploy.sh: {error}\n")
        return 1


def _deploy(options: argparse.Namespace) -> None:
    settings = environment.load(options.env_file)
    apply.check_names(options.only, settings)
    project = settings["GOOGLE_CLOUD_PROJECT"]
    gcloud = Gcloud(project, dry_run=options.dry_run)
    tell(f"deploying to {project}{', dry run: nothing is changed' if options.dry_run else ''}")
    deployment = apply.Deployment(gcloud, settings, options.only)
    try:
        deployment.run(tell)
    except PipelineError as error:
        again = "Run the same command again: what is done stays done, the rest follows."
        raise PipelineError(f"{error}\n{again}") from error
    if options.dry_run:
        tell(f"{gcloud.changes} commands would run")
        return
    scopes = delegated(settings)
    ids = client_ids(gcloud, scopes)
    tell(
        _LEFT_TO_DO.format(
            webhook=deployment.urls["payment_callback"],
            subject=settings["GOOGLE_SUBJECT"],
            clients="\n".join(
                f"     {ids[name]}  {','.join(scopes[name])}  ({name})" for name in ids
            ),
            publisher=email(ORDER_PUBLISHER, project),
            topic=OrderCreated.topic,
            project=project,
            file=options.env_file,
        )
    )
    if "track_delivery" in deployment.urls:
        tell(_LEFT_AT_META.format(webhook=deployment.urls["track_delivery"]))


def _teardown(options: argparse.Namespace) -> None:
    project = environment.load(options.env_file)["GOOGLE_CLOUD_PROJECT"]
    data = "everything, with all orders" if options.with_data else "everything but the database"
    tell(f"This deletes what deploy.sh made in {project}: {data}.")
    tell("Type the project's name to go on:")
    if sys.stdin.readline().strip() != project:
        raise PipelineError("that is not the project's name; nothing was deleted")
    teardown.take_down(Gcloud(project), tell, with_data=options.with_data)


def _grants(_options: argparse.Namespace) -> None:
    tell(grants.guide())


def _rotate(options: argparse.Namespace) -> None:
    settings = environment.load(options.env_file)
    gcloud = Gcloud(settings["GOOGLE_CLOUD_PROJECT"])
    secret_values.rotate(gcloud, settings, options.name, leaked=options.leaked)
    tell("Now run ./deploy.sh, so that the functions use it.")


def _doctor(options: argparse.Namespace) -> int:
    return examine(Live(environment.load(options.env_file)).checks(), tell)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("deploy.sh", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--env-file", type=Path, default=Path("production.env"))

    deploy = commands.add_parser("deploy", parents=[common], help="deploy, or bring up to date")
    deploy.add_argument("--dry-run", action="store_true", help="only show what would be changed")
    deploy.add_argument("--only", action="append", default=[], metavar="FUNCTION")
    deploy.set_defaults(run=_deploy)

    down = commands.add_parser("teardown", parents=[common], help="delete what was deployed")
    down.add_argument("--with-data", action="store_true", help="the database, too")
    down.set_defaults(run=_teardown)

    doctor = commands.add_parser("doctor", parents=[common], help="check that everything works")
    doctor.set_defaults(run=_doctor)

    rotate = commands.add_parser("rotate", parents=[common], help="make a new key of our own")
    rotate.add_argument("name", choices=sorted(MADE))
    rotate.add_argument("--leaked", action="store_true", help="believe none of the earlier ones")
    rotate.set_defaults(run=_rotate)
    commands.add_parser("grants", help="show who may do what, and why").set_defaults(run=_grants)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
