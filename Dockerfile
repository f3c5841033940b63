# Outcrop in a container: one process, uid 1000, everything it writes below /data.
#
#   docker build -t outcrop .
#   docker run --read-only -p 8080:8080 -v outcrop:/data -e AWS_REGION -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY outcrop

ARG NODE_IMAGE=docker.io/library/node:22-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY src src
COPY drizzle drizzle
COPY portal portal
# The demo, which the build makes too, stands among the tests. It does not get into the image.
COPY test test
RUN npm run build

FROM ${NODE_IMAGE} AS modules
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --no-audit --no-fund

FROM ${NODE_IMAGE}
WORKDIR /app
RUN install -d -o 1000 -g 1000 -m 700 /data
COPY --from=modules /app/node_modules node_modules
COPY --from=build /app/dist/node.js /app/dist/node.js.map /app/dist/migrate.js /app/dist/migrate.js.map dist/
COPY --from=build /app/dist/portal dist/portal
COPY drizzle/*.sql drizzle/
COPY drizzle/meta drizzle/meta
COPY package.json ./

ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 DATA_DIR=/data
# A number, so that an orchestrator that insists on non-root can tell; in the base image it is the user `node`.
USER 1000:1000
VOLUME /data
EXPOSE 8080

HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

# Node itself, not npm: npm does not pass SIGTERM on, and answers under way would be cut.
CMD ["node", "--enable-source-maps", "dist/node.js"]
