# The base image. A release pins it by digest: docker build --build-arg PYTHON_IMAGE=python:3.12-slim@sha256:...
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY requirements requirements
# The packages that the tests ran with, by their hashes. Without pip among them: what runs needs no installer.
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --only-binary=:all: --require-hashes --requirement requirements/build.txt \
    && python -m venv --without-pip /opt/aws-vpn-exporter \
    && /opt/build/bin/pip --python /opt/aws-vpn-exporter/bin/python install --no-cache-dir --only-binary=:all: \
        --require-hashes --requirement requirements/run.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY alerts alerts
COPY deploy deploy
COPY docs/runbooks docs/runbooks
COPY grafana grafana
COPY exporter exporter
RUN /opt/build/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/build/bin/pip --python /opt/aws-vpn-exporter/bin/python install --no-cache-dir --no-index --no-deps \
        --find-links /dist aws-vpn-exporter

FROM ${PYTHON_IMAGE} AS slim
COPY --from=build /opt/aws-vpn-exporter /opt/aws-vpn-exporter
COPY LICENSE NOTICE /usr/share/doc/aws-vpn-exporter/
COPY tools/image /tmp/image
RUN sh /tmp/image/slim.sh \
    && /opt/aws-vpn-exporter/bin/python /tmp/image/sbom.py /usr/share/doc/aws-vpn-exporter/sbom.cdx.json \
    && rm -r /tmp/image

# One layer without what was removed above.
FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="aws-vpn-exporter" \
      org.opencontainers.image.description="Prometheus exporter for AWS Site-to-Site VPN" \
      org.opencontainers.image.url="https://github.com/aws-vpn-exporter/aws-vpn-exporter" \
      org.opencontainers.image.source="https://github.com/aws-vpn-exporter/aws-vpn-exporter" \
      org.opencontainers.image.documentation="https://github.com/aws-vpn-exporter/aws-vpn-exporter#readme" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# hadolint ignore=DL3067
COPY --from=slim / /
# The file system may be read-only: bytecode was compiled when the packages were installed.
ENV PATH=/opt/aws-vpn-exporter/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1
# By number, so that Kubernetes can tell that it is not root; 65534 is "nobody".
USER 65534:65534
EXPOSE 10450
ENTRYPOINT ["aws-vpn-exporter"]
CMD ["serve"]
