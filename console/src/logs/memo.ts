import { Component, type FunctionComponent, h } from "preact";

/** A component that is drawn again only when one of its properties is another one. */
export function memo<P extends object>(Drawn: FunctionComponent<P>) {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const keys = Object.keys(next) as (keyof P)[];
      return keys.some((key) => next[key] !== this.props[key]);
    }
    override render() {
      return h(Drawn as FunctionComponent<object>, this.props);
    }
  };
}
