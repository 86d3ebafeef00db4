/** A question before something that cannot be taken back. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface Asked {
  title: string;
  /** Of the button that does it. */
  action: string;
  danger?: boolean;
  onConfirm(): void;
  onCancel(): void;
  children?: ComponentChildren;
}

/** A modal dialog; Escape cancels, focus stays in it and comes back to where it was. */
export function Confirm({ title, action, danger, onConfirm, onCancel, children }: Asked) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    const before = document.activeElement;
    shown?.showModal();
    return () => {
      shown?.close();
      // By now the dialog is no part of the page any more: the browser does not bring the focus back.
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  function submit(event: Event) {
    event.preventDefault();
    onConfirm();
  }
  function cancel(event: Event) {
    event.preventDefault();
    onCancel();
  }
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="confirm-title" onCancel={cancel}>
      <form onSubmit={submit}>
        <h2 id="confirm-title">{title}</h2>
        {children}
        <div class="row end">
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
          <button type="submit" class={danger ? "danger" : "primary"}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  );
}
