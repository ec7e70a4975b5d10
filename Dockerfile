# The image of Posthaste: one static program on nothing.
#
#   docker build --build-arg VERSION=1.2.3 --tag posthaste:1.2.3 .
#   docker run --rm posthaste:1.2.3 keys new
#
# There is no base image to pin, patch or scan but the one that builds, whose version is the go line of go.mod.
# The first build compiles Temporal's server too and takes some minutes; the cache mounts make the next ones quick.

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
# Without a Postgres, SQLite and the embedded Temporal keep their files here: mount a volume, or lose them with the container.
COPY --from=build --chown=65532:65532 /out/data /data
WORKDIR /data
# The loopback address of a container can be reached by nobody. The API refuses to start without a key.
# The embedded Temporal wants to know who it is, and here is no /etc/passwd that would say so.
ENV POSTHASTE_LISTEN=0.0.0.0:8080 \
    POSTHASTE_DATA=/data \
    USER=posthaste \
    HOME=/data
EXPOSE 8080
USER 65532:65532
# No HEALTHCHECK: it would hold for the worker as well, which has nothing to ask. Where the API runs it is "/posthaste health".
ENTRYPOINT ["/posthaste"]
CMD ["server"]
