# CUDA by default; for a CPU image: docker build --build-arg BASE=python:3.11-slim-bookworm .
ARG BASE=nvidia/cuda:13.0.1-runtime-ubuntu24.04
FROM ${BASE}
ENV DEBIAN_FRONTEND=noninteractive PYTHONUNBUFFERED=1 SKBENCH_HOME=/data/bench
RUN apt-get update \
 && apt-get install --no-install-recommends -y python3 python3-venv python3-dev gcc g++ make git \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/skintern-bench
COPY . .
RUN make .venv/ready
VOLUME /data/bench
CMD ["make", "run"]
