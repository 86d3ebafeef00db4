# The runner as a container, for engines that start one for each job (docs/how-to/existing-engines.md). It needs
# no privilege: shares are volumes of the container (driver premounted), containers of blobs are copied (driver
# copy), and the job runs beside the runner as its user. What jobs need, such as CUDA and PyTorch, is in BASE.
#
#     scripts/runner-image myregistry.azurecr.io/batchai-runner:1 nvcr.io/nvidia/pytorch:26.05-py3
#
# BASE: any image with Python 3.11 or later and its venv module.
ARG BASE=python:3.12-slim-bookworm

FROM ${BASE} AS build
# wheels/ is made by scripts/runner-image, outside the image: no network and no compiler is needed here.
COPY wheels /wheels
RUN python3 -m venv /opt/batchai \
    && /opt/batchai/bin/pip install --quiet --no-cache-dir --no-index --find-links /wheels 'batchai-serverless[runner]'

FROM ${BASE}
COPY --from=build /opt/batchai /opt/batchai
# By number: what runs containers can see then that it is not root.
RUN mkdir -p /var/lib/batchai && chown 10001:10001 /var/lib/batchai
USER 10001:10001
# HOME is below what belongs to the user; Scheduled Events name machines, not of containers; whoever has no
# right to a packet filter cannot close the metadata endpoint to jobs: deploy/ does it with the engine's means.
ENV HOME=/var/lib/batchai \
    BATCHAI_NODE_ROOT=/var/lib/batchai/node \
    BATCHAI_DRIVERS='{"azureFileShare":"premounted","azureBlobFileSystem":"copy"}' \
    BATCHAI_SCHEDULED_EVENTS_URL=off \
    BATCHAI_JOB_METADATA=open \
    PYTHONUNBUFFERED=1
ENTRYPOINT ["/opt/batchai/bin/python", "-P", "-m", "runner"]
CMD ["--once"]
