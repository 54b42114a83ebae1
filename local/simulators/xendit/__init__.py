"""A Xendit that runs on a developer's machine: invoices, hosted checkout, webhooks, faults."""

from local.simulators.xendit.app import create_app

__all__ = ["create_app"]
