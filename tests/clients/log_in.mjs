// A person with a browser: opens each start page, logs in, allows, and tells what the app shows at the end.
// One argument: {"chromium", "visits": [{"name", "url", "username"?, "password"?, "app"?, "patient"?}]} as JSON. Prints {name: told}.
import puppeteer from "puppeteer-core";

const given = JSON.parse(process.argv[2]);
const browser = await puppeteer.launch({
  executablePath: given.chromium,
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
});
const told = {};
for (const visit of given.visits) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  const loud = [];
  page.on("console", (said) => said.type() === "error" && loud.push(said.text()));
  try {
    await page.goto(visit.url);
    if (visit.app) {
      await page.select("#app", visit.app);
      await page.select("#patient", visit.patient);
      await page.click("button[type=submit]");
    }
    if (visit.username) {
      await page.waitForSelector("#username");
      await page.type("#username", visit.username);
      await page.type("#password", visit.password);
      await page.click("button[type=submit]");
      if (visit.patient) {
        await page.waitForSelector("#patient");
        await page.select("#patient", visit.patient);
        const forms = await page.$$("form");
        await (await forms.at(-1).$("button[type=submit]")).click();
      }
      await page.waitForSelector("input[name=scope]");
      await page.click("button[value=allow]");
    }
    await page.waitForSelector("#result");
    told[visit.name] = JSON.parse(await page.$eval("#result", (one) => one.textContent));
  } catch (flaw) {
    told[visit.name] = { flaw: String(flaw), url: page.url(), page: (await page.content()).slice(0, 3000) };
  }
  told[visit.name].console = loud;
  await context.close();
}
await browser.close();
console.log(JSON.stringify(told));
