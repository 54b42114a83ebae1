"""Publish an order: ``python publish_order.py PROJECT [ORDER.json]``.

Needs ``pip install google-cloud-pubsub``. Credentials are found as for every Google client
(``gcloud auth application-default login`` on a developer's machine); with PUBSUB_EMULATOR_HOST set,
the emulator is used and none are needed.
"""

import sys
from pathlib import Path

from google.cloud import pubsub_v1


def publish(project: str, order: bytes) -> str:
    """Publish an order and return the id of the message. Raises what Pub/Sub refused it with."""
    with pubsub_v1.PublisherClient() as publisher:
        topic = publisher.topic_path(project, "order.created")
        # Only the result says that Pub/Sub has it. Publishing again after an error is harmless.
        return publisher.publish(topic, order).result(timeout=60)


if __name__ == "__main__":
    example = Path(__file__).with_name("order.created.v1.json")
    file = Path(sys.argv[2]) if sys.argv[2:] else example
    print(publish(sys.argv[1], file.read_bytes()))
