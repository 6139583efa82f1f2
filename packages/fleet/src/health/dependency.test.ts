import { expect, test } from "vitest";
import { watchDependency } from "./dependency.ts";

/** A server of which each question is answered, or not, by hand. */
function openServer() {
  const questions: PromiseWithResolvers<{ version: string }>[] = [];
  const dependency = {
    name: "server",
    isNeeded: true,
    ask: () => {
      const question = Promise.withResolvers<{ version: string }>();
      questions.push(question);
      return question.promise;
    },
  };
  return { dependency, questions };
}

test("whoever asks together, or soon after, hears the answer to one question", async () => {
  const { dependency, questions } = openServer();
  const watched = watchDependency(dependency, { freshMs: 3_600_000 });
  const asked = [watched.state(), watched.state(), watched.state()];
  questions[0]?.resolve({ version: "1" });
  for (const state of await Promise.all(asked)) expect(state).toMatchObject({ status: "ok", version: "1" });
  expect(await watched.state()).toMatchObject({ status: "ok" });
  expect(questions).toHaveLength(1);
});

test("a server that hangs holds nobody up, is not asked again meanwhile, and is well once it answers", async () => {
  const { dependency, questions } = openServer();
  const watched = watchDependency(dependency, { patienceMs: 20, freshMs: 0 });
  const late = { status: "down", latency_ms: null, detail: "no answer within 20 ms" };
  expect(await watched.state()).toMatchObject(late);
  expect(await Promise.all(Array.from({ length: 100 }, () => watched.state()))).toEqual(
    Array.from({ length: 100 }, () => expect.objectContaining(late)),
  );
  expect(questions).toHaveLength(1);
  questions[0]?.resolve({ version: "1" });
  await expect
    .poll(async () => {
      questions[1]?.resolve({ version: "2" });
      return await watched.state();
    })
    .toMatchObject({ status: "ok", version: "2" });
});

test("a question that is never answered is given up for another one", async () => {
  let questions = 0;
  const ask = (): Promise<{ version: string }> => {
    questions += 1;
    return questions < 3 ? new Promise(() => {}) : Promise.resolve({ version: "3" });
  };
  const watched = watchDependency(
    { name: "x", isNeeded: true, ask },
    { patienceMs: 1, freshMs: 3_600_000, giveUpMs: 10 },
  );
  await expect.poll(async () => (await watched.state()).version, { interval: 5 }).toBe("3");
});

test("one that refuses is down, for the reason that it gives", async () => {
  const watched = watchDependency({ name: "x", isNeeded: false, ask: () => Promise.reject(new Error("it is full")) });
  expect(await watched.state()).toEqual({
    name: "x",
    status: "down",
    latency_ms: null,
    version: null,
    detail: "it is full",
  });
});
