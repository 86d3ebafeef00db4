/** What went wrong with the latest file, until the next one. */
import { store } from "../store";

export const said = store("");
