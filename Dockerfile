# Outcrop in a container: one process, uid 1000, everything it writes below /data.
#
#   docker build -t outcrop .
#   docker run --read-only -p 127.0.0.1:8080:8080 -v outcrop:/data -e AWS_REGION -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY outcrop

ARG NODE_IMAGE=docker.io/library/node:22-bookworm-slim

FROM ${NODE_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json ./
# Types and source maps of packages are for their authors: a third of all.
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --no-audit --no-fund \
  && find node_modules -type f -regex '.*\.\(map\|d\.[cm]?ts\)' -delete

FROM modules AS build
# Of what developers have, the build needs this alone; its version is that of the lock file.
RUN --mount=type=cache,target=/root/.npm npm install --no-save --save-prod --omit=dev --no-audit --no-fund esbuild
COPY src src
COPY drizzle drizzle
COPY portal portal
RUN npm run -s build:portal && npm run -s build:server

FROM ${NODE_IMAGE}
WORKDIR /app
RUN install -d -o 1000 -g 1000 -m 700 /data
COPY --from=modules /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY drizzle/*.sql drizzle/
COPY drizzle/meta/_journal.json drizzle/meta/
COPY package.json ./

ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
# A number, so that an orchestrator that insists on non-root can tell; in the base image it is the user `node`.
USER 1000:1000
VOLUME /data
EXPOSE 8080

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# Node itself, not npm: npm does not pass SIGTERM on, and answers under way would be cut.
# No memory reducer: when a process rests it makes the heap so small that from then on V8 collects several times a second,
# drops what it has compiled each time, and a request costs more than twice as much.
CMD ["node", "--enable-source-maps", "--no-memory-reducer", "--heap-growing-percent=200", "dist/node.js"]
