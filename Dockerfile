# CUDA by default. A CPU image, whose torch comes without CUDA's libraries:
#   docker build --build-arg BASE=python:3.11-slim-bookworm --build-arg PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu .
ARG BASE=nvidia/cuda:13.0.1-runtime-ubuntu24.04
FROM ${BASE}
ARG PIP_EXTRA_INDEX_URL
ENV DEBIAN_FRONTEND=noninteractive PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 SKBENCH_HOME=/data/bench
ENV PATH=/opt/skintern-bench/.venv/bin:$PATH
RUN apt-get update \
 && apt-get install --no-install-recommends -y python3 python3-venv python3-dev gcc g++ make git \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/skintern-bench
COPY . .
RUN make .venv/ready
# For any --user: a home to write to, and a checkout whose commit git tells.
RUN mkdir -p -m 1777 /data/bench && git config --system safe.directory "$PWD"
VOLUME /data/bench
CMD ["make", "run"]
