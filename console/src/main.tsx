import { render } from "preact";
import { App } from "./shell/app";
import "./styles/theme.css";
import "./styles/base.css";
import "./styles/shell.css";

render(<App />, document.getElementById("app") as HTMLElement);
