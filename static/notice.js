// A notice on the desktop while the bell rings in a hidden tab, where the browser allows it.
//
// It needs a secure context, which http://office:1873 is not; then the title, the icon and the bell
// are what there is, and this says so. It knows no state of the telegraph.

/** One notice replaces the other: there is one bell. */
const TAG = 'chadburn.bell';

export class Notice {
  #Notification;
  #isSecure;
  #memory;
  #shown = null;

  /** `Notification` is the browser's or undefined; `memory.notify` whether it is wanted. */
  constructor({ Notification, isSecure, memory }) {
    this.#Notification = Notification;
    this.#isSecure = isSecure;
    this.#memory = memory;
  }

  /** `impossible`, `blocked`, `off` or `on`. */
  get kind() {
    if (!this.#isSecure || !this.#Notification) return 'impossible';
    if (this.#Notification.permission === 'denied') return 'blocked';
    return this.#memory.notify && this.#Notification.permission === 'granted' ? 'on' : 'off';
  }

  /** Wanted, or not any more; a browser asks its person only in a click. */
  async toggle() {
    if (this.kind === 'on') {
      this.#memory.notify = false;
      this.hide();
    } else if (this.kind === 'off') {
      this.#memory.notify = true;
      if (this.#Notification.permission !== 'granted') await this.#Notification.requestPermission();
    }
  }

  /** Shows it; `onClick` brings the panel to the front. */
  show(title, body, onClick) {
    if (this.kind !== 'on') return;
    try {
      const notice = new this.#Notification(title, {
        body, tag: TAG, renotify: true, requireInteraction: true,
      });
      notice.onclick = () => {
        onClick();
        notice.close();
      };
      this.#shown = notice;
    } catch {
      // Some browsers have it for workers only; the bell, the title and the icon remain.
    }
  }

  hide() {
    this.#shown?.close();
    this.#shown = null;
  }
}

/** What `kind` means, beside the switch. */
export const NOTICE_WORDS = {
  impossible: 'Not possible here: a browser wants https or localhost for that.',
  blocked: 'The browser has been told not to.',
  off: '',
  on: 'A notice appears when the bell rings.',
};
