import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "tests",
          include: ["{packages,apps,bench,test}/**/*.test.ts"],
          exclude: ["**/node_modules/**", "test/architecture/**"],
          globalSetup: "test/setup/servers.ts",
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "architecture",
          include: ["test/architecture/**/*.test.ts"],
          testTimeout: 60_000,
        },
      },
    ],
  },
});
