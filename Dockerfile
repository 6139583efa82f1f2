# One image for api, worker and migrate: Node runs the TypeScript sources, so there is no build.
FROM node:24.21.0-slim AS base
WORKDIR /app

# What to install, without the sources: their changes do not repeat the installation.
FROM base AS manifests
COPY package.json package-lock.json ./
COPY apps apps
COPY packages packages
RUN find . -type f ! -name "package*.json" -delete && find . -type d -empty -delete

# Without the optional packages, which are PostgreSQL's binaries for development and native extras, and
# without the root's own, which is another Node. `npm install` keeps to the lock file; `npm ci` asks for
# every platform's entry in it.
FROM base AS dependencies
COPY --from=manifests /app ./
RUN npm install --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund \
  -w @millrace/api -w @millrace/worker -w @millrace/cli

FROM base
ENV NODE_ENV=production
COPY --from=dependencies /app ./
COPY migrations migrations
COPY docs/runbooks docs/runbooks
COPY packages packages
COPY apps apps
USER node
EXPOSE 8080
# Node is process 1 and handles the signal itself: it drains and ends.
STOPSIGNAL SIGTERM
CMD ["node", "apps/api/src/main.ts"]
