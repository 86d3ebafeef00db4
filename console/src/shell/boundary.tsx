/** A fault in one view is said where the view would be; the bar above stays. */
import { Component, type ComponentChildren } from "preact";
import { Failure } from "../parts/failure";

/** Give it the address as `key`: another view begins without the fault of this one. */
export class Boundary extends Component<{ children: ComponentChildren }, { fault: unknown }> {
  override state = { fault: undefined };

  override componentDidCatch(fault: unknown): void {
    this.setState({ fault });
  }

  override render() {
    if (this.state.fault === undefined) return <>{this.props.children}</>;
    return (
      <div class="stack">
        <p>This view cannot be shown: a fault of the page. Load it again; if it stays, report these words:</p>
        <Failure error={this.state.fault} />
      </div>
    );
  }
}
