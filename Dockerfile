# The image of codecell: one static binary, a Python of Debian's, and what that
# Python needs. No shell, no other program, nothing that the server's user may
# write.
#
#	docker build .          with a registry's Go and Debian
#	make image              without a registry: Debian packages and this machine's Go (root, podman)
#
# BUILD has Go, BASE is a Debian with apt whose python3 is 3.11 to 3.13.
# PROFILE=data-science adds the Debian packages that this profile imports, those of
# deploy/image/data-science.txt; PYTHON_PACKAGES adds what a profile of yours does:
# --build-arg PYTHON_PACKAGES="python3-numpy python3-pandas".
ARG BUILD=docker.io/library/golang:1.26-trixie
ARG BASE=docker.io/library/debian:trixie-slim

# The compiler runs on the machine that builds, whatever the image is for.
FROM --platform=$BUILDPLATFORM ${BUILD} AS build
ARG TARGETARCH
WORKDIR /src
COPY . .
RUN CGO_ENABLED=0 GOARCH=$TARGETARCH go build -trimpath -ldflags '-s -w' -o /codecell ./cmd/codecell

# Debian installs; then what the interpreter needs is copied into a root of its
# own, so that nothing has to be remembered and removed. The platform is the
# default, which podman 4 forgets after the stage above.
FROM --platform=$TARGETPLATFORM ${BASE} AS root
ARG PYTHON_PACKAGES=""
ARG PROFILE=""
ENV DEBIAN_FRONTEND=noninteractive
COPY deploy/image/*.txt /tmp/
RUN echo python3 $PYTHON_PACKAGES >/tmp/wanted && \
    if [ -n "$PROFILE" ]; then sed 's/#.*//' "/tmp/$PROFILE.txt" >>/tmp/wanted; fi
RUN apt-get update && apt-get install --yes --no-install-recommends $(cat /tmp/wanted)
COPY deploy/image/root.sh /tmp/root.sh
RUN sh /tmp/root.sh /image $(cat /tmp/wanted)

FROM scratch
COPY --from=root /image /
COPY --from=build /codecell /usr/local/bin/codecell
ARG VERSION=devel
ARG REVISION=unknown
ARG SOURCE=""
LABEL org.opencontainers.image.title="codecell" \
      org.opencontainers.image.description="Runs untrusted Python, one program at a time, behind POST /execute" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0"
# Nobody in /etc/passwd, and the same number as in distroless images: a pod that
# must not run as root is checked by the number.
USER 65532:65532
ENV PATH=/usr/local/bin:/usr/bin
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/codecell"]
CMD ["serve"]
