"""Publishes what the draft of an offer holds with cloudpub, and hands over the id of each job as soon as it is known.

Nothing else tells it: no call of the API leads from an offer to the job that works on it.
"""

import os

from cloudpub.ms_azure.service import AzureService


class Publisher(AzureService):
    """The service of cloudpub, which writes the job down before it waits for it."""

    def _wait_for_job_completion(self, job_id):
        # The last one that is written is the one that counts.
        with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as output:
            output.write(f"job-id={job_id}\n")
        return super()._wait_for_job_completion(job_id)


offer = os.environ["OFFER"]
publisher = Publisher(
    {name: os.environ[name] for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_API_SECRET")}
)
product = publisher.get_product_by_name(offer, "draft")
publisher._publish_preview(product, offer)
publisher._publish_live(product, offer)
