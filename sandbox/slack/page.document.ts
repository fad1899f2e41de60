/** The page, with nothing in it that anybody wrote: all of that comes later, as text. */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Slack, as the sandbox has it</title>
<link rel="stylesheet" href="/page.css">
<script type="module" src="/client/page.client.js"></script>
<header>
  <b>Sandbox</b>
  <label>You are <select id="as" aria-label="You are"></select></label>
  <form id="debug">
    <span>/debug</span>
    <input id="typed" aria-label="Command" autocomplete="off"
      placeholder="payments/checkout 30m why you ask">
    <button>Send</button>
  </form>
</header>
<p id="told" role="status">Nothing is told here yet.</p>
<p id="complaint" role="alert"></p>
<p id="gone" hidden>The demo has ended, or does not answer.</p>
<main id="channels"></main>
<div id="backdrop" hidden><form id="modal" aria-label="Form" hidden></form></div>
</html>
`;

export const STYLE = `
:root { font: 15px/1.45 system-ui, 'Segoe UI', 'Open Sans', sans-serif; color: #1d1c1d; background: #f4f1f5; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; height: 100vh; display: flex; flex-direction: column; }
header { display: flex; flex-wrap: wrap; gap: .6rem 1.4rem; align-items: center; padding: .6rem 1rem; background: #3f0e40; color: #fff; }
header > b { font-size: 1.15rem; }
select, input, textarea, button { font: inherit; }
select, input, textarea { padding: .35rem .5rem; border: 1px solid #bbb; border-radius: 6px; background: #fff; color: inherit; }
header select, header input { border: 0; color: #1d1c1d; }
#debug { display: flex; flex: 1; gap: .5rem; align-items: center; font-family: ui-monospace, monospace; }
#typed { flex: 1; min-width: 12rem; }
button, .button { display: inline-block; padding: .3rem .8rem; border: 1px solid #bbb; border-radius: 6px; background: #fff; color: #1d1c1d; font-weight: 600; text-decoration: none; cursor: pointer; }
button:hover, .button:hover { background: #f4f4f4; }
.primary { background: #007a5a; border-color: #007a5a; color: #fff; }
.primary:hover { background: #00614a; }
.danger { border-color: #e01e5a; color: #c0144a; }
:disabled { opacity: .5; }
#told { margin: 0; padding: .55rem 1rem; background: #fff6d8; border-bottom: 1px solid #ecd98c; }
#complaint:empty { display: none; }
#complaint, #gone { margin: 0; padding: .5rem 1rem; background: #ffe3ea; }
main { flex: 1; min-height: 0; display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); grid-auto-rows: minmax(0, 1fr); gap: .7rem; padding: .7rem; }
.channel { display: flex; flex-direction: column; min-height: 16rem; background: #fff; border: 1px solid #ddd; border-radius: 8px; overflow: hidden; }
h2 { margin: 0; padding: .55rem .9rem; font-size: 1rem; border-bottom: 1px solid #ddd; background: #fafafa; }
.direct h2 { background: #eef4fb; }
.messages { flex: 1; overflow-y: auto; padding: .3rem .9rem 1rem; overflow-wrap: anywhere; }
.nothing, .context, small { color: #616061; font-size: .85rem; }
.message { padding: .7rem .4rem; border-top: 1px solid #eee; }
.message:first-child { border-top: 0; }
.changed { animation: lit 2.5s ease-out; }
@keyframes lit { from { background: #fff3b8; } to { background: transparent; } }
@media (prefers-reduced-motion: reduce) { .changed { animation: none; } }
.message p, .message h3, .message pre, .message blockquote { margin: .25rem 0; white-space: pre-wrap; }
.message h3 { font-size: 1.1rem; line-height: 1.3; }
.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .1rem .8rem; }
code { padding: 0 .25rem; border: 1px solid #e2e2e2; border-radius: 4px; background: #f7f7f7; color: #c0144a; font: .86em ui-monospace, monospace; }
pre { padding: .45rem .6rem; border: 1px solid #ddd; border-radius: 5px; background: #f8f8f8; font: .86rem ui-monospace, monospace; }
blockquote { padding-left: .7rem; border-left: 4px solid #ddd; }
.mention { background: #ffe08a; font-weight: 700; }
time { font-weight: 600; white-space: nowrap; }
.actions { display: flex; flex-wrap: wrap; gap: .45rem; margin-top: .55rem; }
.emoji-large_green_circle, .emoji-white_circle { display: inline-block; width: .8em; height: .8em; border: 1px solid #999; border-radius: 50%; overflow: hidden; text-indent: 2em; vertical-align: -.05em; }
.emoji-large_green_circle { border-color: #2bac76; background: #2bac76; }
.thread { margin: .5rem 0 0 .3rem; padding-left: .8rem; border-left: 2px solid #d5cbd8; font-size: .93rem; }
.alone { display: block; font-style: italic; }
#backdrop { position: fixed; inset: 5.9rem 0 0; display: flex; align-items: center; justify-content: center; padding: 1rem; background: #0005; pointer-events: none; }
#modal { pointer-events: auto; width: 33rem; max-width: 100%; max-height: 100%; overflow-y: auto; padding: 1.1rem 1.4rem; background: #fff; border-radius: 10px; box-shadow: 0 10px 40px #0007; overflow-wrap: anywhere; }
#modal h3 { margin: 0 0 .6rem; }
#modal label { display: block; margin: .55rem 0; }
#modal input:not([type='checkbox']), #modal textarea, #modal select { display: block; width: 100%; margin-top: .15rem; }
.tick { display: block; }
.choice { display: block; width: 100%; margin-top: 2px; text-align: left; font-weight: 400; }
.error { display: block; color: #c0144a; }
`;
