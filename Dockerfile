# The base image. A release pins it by digest: docker build --build-arg PYTHON_IMAGE=python:3.12-slim@sha256:...
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
# Without pip in it: what runs needs no installer.
RUN ["python", "-m", "venv", "--without-pip", "/opt/aws-vpn-exporter"]
COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
RUN ["pip", "--python", "/opt/aws-vpn-exporter/bin/python", "install", "--no-cache-dir", "."]

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="aws-vpn-exporter" \
      org.opencontainers.image.description="Prometheus exporter for AWS Site-to-Site VPN" \
      org.opencontainers.image.source="https://github.com/aws-vpn-exporter/aws-vpn-exporter" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/aws-vpn-exporter /opt/aws-vpn-exporter
# The file system may be read-only: bytecode was compiled when the packages were installed.
ENV PATH=/opt/aws-vpn-exporter/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1
# By number, so that Kubernetes can tell that it is not root; 65534 is "nobody".
USER 65534:65534
EXPOSE 10450
ENTRYPOINT ["aws-vpn-exporter"]
CMD ["serve"]
