// Everything works without these: each module only saves a round trip or a movement of the hand.
import { setUpAnswers } from "./answers.js";
import { setUpBusy } from "./busy.js";
import { setUpCompleting } from "./completing.js";
import { setUpCopying } from "./copying.js";
import { setUpDialogs } from "./dialogs.js";
import { setUpExporting } from "./exporting.js";
import { setUpFinding } from "./finding.js";
import { setUpHistograms } from "./histogram.js";
import { setUpKeys } from "./keys.js";
import { setUpLive } from "./live.js";
import { setUpMenus } from "./menus.js";
import { setUpPanel } from "./panel.js";
import { setUpReturning } from "./returning.js";
import { setUpTheme } from "./theme.js";
import { setUpToast } from "./toast.js";
import { setUpUnsent } from "./unsent.js";
import { setUpVerifying } from "./verifying.js";
import { tellZone } from "./zone.js";

tellZone();
setUpTheme();
setUpToast();
setUpMenus();
setUpFinding();
setUpCompleting();
setUpAnswers();
setUpCopying();
setUpDialogs();
setUpExporting();
setUpPanel();
setUpHistograms();
setUpLive();
setUpReturning();
setUpUnsent();
setUpKeys();
setUpVerifying();
// Last: a link that one of the others follows by itself does not leave the page.
setUpBusy();
