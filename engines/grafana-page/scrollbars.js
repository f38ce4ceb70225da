// The package's own entry points disagree on whether there is a default export.
import { Scrollbars } from "react-custom-scrollbars-2/lib/index.js";

export { Scrollbars };
export default Scrollbars;
