/** A host for static files, as any is, that keeps a log and can spoil what it sends; and the browser. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, resolve } from "node:path";

import { type Browser, type BrowserContext, type Page, chromium } from "playwright-core";

export const MADE = resolve(import.meta.dirname, "../.e2e");

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".md": "text/markdown; charset=utf-8",
  ".txt": "text/plain; charset=utf-8",
  ".webmanifest": "application/manifest+json",
};

export type Spoil = (path: string, bytes: Buffer) => Buffer | null;

/** Serves a folder below a path of its own, so that absolute addresses would fail. */
export class Host {
  readonly log: string[] = [];
  /** Changes what is sent; null is "not found". */
  spoil: Spoil = (_, bytes) => bytes;
  /** What is sent along with every file. */
  headers: Readonly<Record<string, string>> = {};
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(folder: string, others: Readonly<Record<string, string>> = {}): Promise<Host> {
    const below = "/some/where/";
    let host: Host | undefined;
    const server = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url!, "http://host").pathname);
      host!.log.push(path);
      const [base, rest] = Object.entries(others).flatMap(([name, place]) => (path.startsWith(`${below}${name}/`) ? [[place, path.slice(below.length + name.length + 1)]] : []))[0] ?? [folder, path.slice(below.length)];
      const file = join(base!, rest === "" || rest!.endsWith("/") ? `${rest}index.html` : rest!);
      const isThere = path.startsWith(below) && existsSync(file) && statSync(file).isFile();
      const bytes = isThere ? host!.spoil(rest!, readFileSync(file)) : null;
      if (bytes === null) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { ...host!.headers, "content-type": TYPES[extname(file)] ?? "application/octet-stream", "content-length": bytes.length }).end(bytes);
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    host = new Host(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}${below}`);
    return host;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}

/** Starts the machine's Chromium; CHROMIUM names another one. */
export async function startBrowser(): Promise<Browser> {
  const path = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((one) => one !== undefined && existsSync(one));
  if (path === undefined) throw new Error("Chromium must be there for this. Got none. Debian: apt-get install chromium; elsewhere: CHROMIUM=/path/to/it");
  return chromium.launch({
    executablePath: path,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
  });
}

/** What a page complained of: console errors, uncaught ones, and breaches of its own security policy. */
export function complaints(page: Page): string[] {
  const heard: string[] = [];
  page.on("console", (message) => message.type() === "error" && heard.push(message.text()));
  page.on("pageerror", (error) => heard.push(error.message));
  return heard;
}

/** Opens the page and waits until it is ready: lists shown, files kept. */
export async function openReady(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(100_000);
  await page.goto(url);
  await page.waitForSelector("body[data-ready]");
  return page;
}

/** Waits until the page has answered one more change. */
export async function answered(page: Page, change: () => Promise<unknown>): Promise<void> {
  const turn = async (): Promise<number> => Number(await page.locator("body").getAttribute("data-turn"));
  const before = await turn();
  await change();
  await page.waitForFunction((n) => Number(document.body.dataset["turn"]) > n, before);
}

/** The ids on the covers, in order. */
export async function shownIds(page: Page): Promise<string[]> {
  return page.locator("#list > li").evaluateAll((cards) => cards.map((card) => (card as HTMLElement).dataset["key"]!));
}

/** Puts a list of ids in by the page's own import. */
export async function importHistory(page: Page, liked: readonly (string | number)[]): Promise<void> {
  const file = { name: "history.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ format: "recsmith-history", version: 1, liked, hidden: [] })) };
  await answered(page, () => page.locator("#import-file").setInputFiles(file));
}
