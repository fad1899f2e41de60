# Hallpass: docs/image.md says how to build it, how to pin what it stands on, and how to check it without an engine.
#
# Base images are given by digest: a tag may be another image tomorrow. The names below say which ones are meant; a build
# on them, without digests, is refused unless ALLOW_UNPINNED=yes.
ARG NODE_IMAGE=docker.io/library/node:24-trixie-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot

FROM ${NODE_IMAGE} AS node
ARG NODE_IMAGE
ARG RUNTIME_IMAGE
ARG ALLOW_UNPINNED=no
RUN for image in "${NODE_IMAGE}" "${RUNTIME_IMAGE}"; do \
      if [ "${ALLOW_UNPINNED}" != yes ] && ! echo "${image}" | grep -Eq '@sha256:[0-9a-f]{64}$'; then \
        echo "${image} is not given by digest: see docs/image.md, or try with --build-arg ALLOW_UNPINNED=yes" >&2; \
        exit 1; \
      fi; \
    done
WORKDIR /app
COPY package.json package-lock.json ./

FROM node AS production
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund
# Of Prisma's query compilers only PostgreSQL's, in the form that the generated client loads; and nothing that is only for
# those who build, test or debug, or for another runtime than Node (Bare).
RUN find node_modules/@prisma/client/runtime -name 'query_compiler_*' \
      ! -name 'query_compiler_fast_bg.postgresql.mjs' \
      ! -name 'query_compiler_fast_bg.postgresql.wasm-base64.mjs' -delete \
    && find node_modules -mindepth 1 -type d \( -name test -o -name tests -o -name __tests__ -o -name '.*' \) \
      -prune -exec rm -r {} + \
    && find node_modules -type f \( -name '*.map' -o -name '*.[cm]ts' -o -name '*.ts' -o -name '*.sh' \
      -o -name '*.test.*js' -o -name '*.bare' -o -name '.*' \) -delete \
    && find node_modules -type d -empty -delete

FROM node AS build
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.image.json LICENSE ./
COPY src src
COPY scripts/sbom scripts/sbom
COPY scripts/write-sbom.ts scripts/
COPY prisma/migrations prisma/migrations
RUN node_modules/.bin/tsc -p tsconfig.image.json
COPY --from=production /app/node_modules packages/node_modules
RUN mkdir -p image/dist image/prisma \
    && node dist/scripts/write-sbom.js --tree packages --out image/sbom.cdx.json \
    && mv dist/src dist/package.json image/dist/ \
    && mv prisma/migrations image/prisma/ \
    && cp package.json LICENSE image/
# The same files give the same layers: no time of today, and nothing that anybody but their owner may write.
ARG SOURCE_DATE_EPOCH=0
RUN chmod -R u=rwX,go=rX packages/node_modules image \
    && find packages/node_modules image -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

# No shell, no package manager: nothing can be RUN here.
FROM ${RUNTIME_IMAGE}
ARG RUNTIME_IMAGE
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG SOURCE_URL=unknown
LABEL org.opencontainers.image.title="Hallpass" \
      org.opencontainers.image.description="Governed, time-boxed debug access to running Kubernetes Pods" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE_URL}" \
      org.opencontainers.image.base.name="${RUNTIME_IMAGE}"
# What seldom changes first. Files are root's: who serves may read them and no more.
COPY --from=build --chown=0:0 /app/packages/node_modules /app/node_modules
COPY --from=build --chown=0:0 /app/image /app
# Where the runtime image may have its Node.
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin
ENV NODE_ENV=production
ENV HALLPASS_CONFIG=/etc/hallpass/hallpass.yaml
WORKDIR /app
USER 65532:65532
EXPOSE 8080 9090
ENTRYPOINT ["node", "/app/dist/src/server.js"]
CMD ["serve"]
