export { startBrowser } from '../../sandbox/browser.js';
