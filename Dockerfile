# The image of Posthaste: one static program without a base image.
#
#   docker build --build-arg VERSION=1.2.3 --tag posthaste:1.2.3 .
#   docker run --rm posthaste:1.2.3 master-key new
#
# The only image to pin, patch or scan is the build image; its version is the go line of go.mod.
# The first build compiles Temporal's server too and takes some minutes; the cache mounts make later builds quick.

FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags "-s -w -X main.release=$VERSION" -o /out/posthaste ./cmd/posthaste \
    && mkdir /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/posthaste /posthaste
# Without Postgres, SQLite and the embedded Temporal store their files here: mount a volume, or they are lost with the container.
COPY --from=build --chown=65532:65532 /out/data /data
WORKDIR /data
# Listen on all addresses, because a container's loopback address cannot be reached from outside; the API needs a key to start.
# The embedded Temporal needs a user name, and the image has no /etc/passwd.
ENV POSTHASTE_LISTEN=0.0.0.0:8080 \
    POSTHASTE_DATA=/data \
    USER=posthaste \
    HOME=/data
EXPOSE 8080
USER 65532:65532
# No HEALTHCHECK: API and worker listen on different addresses. Use "/posthaste health", for a worker with --listen and the address
# of its metrics.
ENTRYPOINT ["/posthaste"]
CMD ["server"]
