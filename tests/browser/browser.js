// Starts chromium with a fresh profile, and watches that the page stays quiet and at home.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

/** How long anything awaited may take on a busy machine. */
const PATIENCE_MS = 10_000;

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * A browser window with its own profile.
 * @param {{ viewport?: { width: number, height: number }, colorScheme?: "light" | "dark" }} [look]
 */
export async function openBrowser(look = {}) {
  const profile = await mkdtemp(join(tmpdir(), "intake-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
    viewport: look.viewport ?? { width: 1280, height: 800 },
    colorScheme: look.colorScheme ?? "light",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  return {
    context,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/**
 * Opens the page of an intake and takes notes of everything that it should not do.
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} address
 */
export async function openPage(context, address) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const home = new URL(address).origin;
  /** @type {string[]} */
  const strangers = [];
  /** @type {string[]} */
  const complaints = [];
  await page.route("**/*", (route) => {
    const { origin, href } = new URL(route.request().url());
    if (origin === home) return route.continue();
    strangers.push(href);
    return route.abort();
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error.stack)));
  await page.goto(address);
  await page.locator(".health[data-kind=live]").waitFor();
  return { page, strangers, complaints };
}
