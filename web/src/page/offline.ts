/** Starts the service worker, which keeps the page and the bundle for visits without a network. */

export type OfflineState = "ready" | "getting" | "no";

export interface OfflineHooks {
  readonly changed: (state: OfflineState) => void;
  /** A newer version has been kept; `take` reloads into it. */
  readonly newer: (take: () => void) => void;
}

/** Registers sw.js; tells how far it is. */
export async function startOffline(hooks: OfflineHooks): Promise<void> {
  if (!("serviceWorker" in navigator)) {
    hooks.changed("no");
    return;
  }
  hooks.changed(navigator.serviceWorker.controller === null ? "getting" : "ready");
  try {
    const registration = await navigator.serviceWorker.register("./sw.js", { updateViaCache: "none" });
    watch(registration, hooks);
    registration.addEventListener("updatefound", () => watch(registration, hooks));
    await Promise.race([navigator.serviceWorker.ready, failed(registration)]);
    hooks.changed("ready");
  } catch {
    hooks.changed(navigator.serviceWorker.controller === null ? "no" : "ready");
  }
}

function watch(registration: ServiceWorkerRegistration, hooks: OfflineHooks): void {
  const offer = (worker: ServiceWorker): void =>
    hooks.newer(() => {
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      worker.postMessage("take over");
    });
  // The very first version has nothing to take over from.
  if (navigator.serviceWorker.controller === null) return;
  if (registration.waiting !== null) offer(registration.waiting);
  const coming = registration.installing;
  coming?.addEventListener("statechange", () => coming.state === "installed" && offer(coming));
}

/** Fails when the first installation fails: a file that cannot be had, no room on the device. */
function failed(registration: ServiceWorkerRegistration): Promise<never> {
  return new Promise((_, reject) => {
    const worker = registration.installing;
    worker?.addEventListener("statechange", () => {
      if (worker.state === "redundant" && registration.active === null) reject(new Error("not installed"));
    });
  });
}
