// The page's words in both languages. A word that is missing shows its name, which a test looks for.

export const WORDS = {
  en: {
    skip: "To the content", try: "Try it", people: "People", owner: "Owner", key: "Key", docs: "Interface", metrics: "Counters",
    light: "Light", dark: "Dark", auto: "Auto", other: "中文",
    tryTitle: "Pick a few things; the list follows", tryLede: "Search the catalogue and choose what you like. The list is made anew at every click, and says why.",
    search: "Search the catalogue", searchHint: "Arrow keys choose, Enter adds, Escape closes.", yours: "You picked", nothingYet: "Nothing yet. Below is what most people took.",
    forYou: "For you", popular: "Popular now", because: "Because of", add: "Add", remove: "Remove", clear: "Clear all",
    diversity: "Diversity", freshness: "Freshness", calibration: "Like my own mix", none: "Nothing found.", new: "new", similarTag: "similar", popularTag: "popular", model: "model", theModel: "The model", modelName: "Model",
    similar: "More like this", about: "About", inStock: "In stock", outOfStock: "Out of stock",
    peopleTitle: "A person, their timeline, and their list", peopleLede: "Type an id that the service knows.", id: "Id of the person", show: "Show",
    timeline: "Timeline", events: "events", list: "Their list", fallback: "Why not the model's own", compare: "Side by side", versionA: "In place", versionB: "Compare with", only: "only here", more: "Show more", take: "Add to my picks",
    ownerTitle: "How the service is", dataHealth: "Data", eventsN: "events", peopleN: "people", itemsN: "items", neverSeen: "items new to the model", noCategory: "items without a category", nobody: "items nobody took", future: "events later than now", out: "items out of stock",
    versions: "Leaderboard of versions", version: "Version", trained: "Trained", against: "less the one before", n: "people", place: "in place",
    leaderboardSays: "How well each kept version found what people really took next, on events it had not learnt from; higher is better. In brackets: where the figure lies with 95 % certainty. Each version was judged on the people of its day, so read “less the one before”, where both answered the same people: above 0 the newer one is better, and surely so if the brackets leave 0 out.",
    traffic: "Traffic and latency", route: "Route", requests: "Requests", errors: "Errors", upTo: "ms, up to", stages: "Milliseconds by stage", stage: "Stage", why: "Why", fallbacks: "Fallbacks", noFallbacks: "None so far.",
    tail: "The long tail", tailEvents: "events", tailLists: "lists shown", coverage: "of the items were on a list", mostPopular: "most popular items, share", share: "share",
    curve: "Learning curve", noCurve: "This model does not learn in epochs.", map: "The items, by taste", noMap: "This model has no vectors.", experiment: "Experiment", noExperiment: "None runs.", side: "Side", hitRate: "Lists that led to something", difference: "less the first side",
    hitRateSays: "The share of a person's lists of which they took an item, mean over people, with its 95 % interval. The sides differ surely where the brackets of the difference leave 0 out. An event counts for a list for so long after it was shown:", hours: "hours",
    keyTitle: "Key of this service", keyHint: "Kept in this browser tab only.", keep: "Keep", trouble: "That did not work", lists: "lists", noVersions: "Only one version is kept.",
  },
  zh: {
    skip: "跳到内容", try: "试用", people: "用户", owner: "管理", key: "密钥", docs: "接口文档", metrics: "计数器",
    light: "浅色", dark: "深色", auto: "自动", other: "EN",
    tryTitle: "选几样喜欢的，推荐随之而变", tryLede: "搜索目录并选择你喜欢的内容。每点一次，列表都会重新计算，并说明理由。",
    search: "搜索目录", searchHint: "方向键选择，回车添加，Esc 关闭。", yours: "你选了", nothingYet: "还没有。下面是最多人选择的内容。",
    forYou: "为你推荐", popular: "热门", because: "因为", add: "添加", remove: "移除", clear: "全部清除",
    diversity: "多样性", freshness: "新鲜度", calibration: "贴近我的口味", none: "没有找到。", new: "新品", similarTag: "相似", popularTag: "热门", model: "模型", theModel: "模型", modelName: "模型",
    similar: "相似内容", about: "简介", inStock: "有货", outOfStock: "缺货",
    peopleTitle: "一位用户：时间线与推荐", peopleLede: "输入服务认识的用户编号。", id: "用户编号", show: "查看",
    timeline: "时间线", events: "条事件", list: "推荐列表", fallback: "为何不是模型的结果", compare: "并排比较", versionA: "当前版本", versionB: "对比版本", only: "仅此版本", more: "显示更多", take: "加入我的选择",
    ownerTitle: "服务状况", dataHealth: "数据", eventsN: "事件", peopleN: "用户", itemsN: "物品", neverSeen: "模型未见过的物品", noCategory: "没有类别的物品", nobody: "无人选择的物品", future: "时间晚于现在的事件", out: "缺货物品",
    versions: "版本排行榜", version: "版本", trained: "训练时间", against: "与前一版本之差", n: "人数", place: "当前",
    leaderboardSays: "每个保留版本在未学习过的事件上找到用户随后真正选择内容的能力，越高越好。方括号为 95 % 置信区间。各版本在不同日期的用户上评估，因此请看“与前一版本之差”，两者面对的是同一批用户：大于 0 表示新版本更好，方括号不含 0 则可以确定。",
    traffic: "流量与延迟", route: "路由", requests: "请求", errors: "错误", upTo: "毫秒，不超过", stages: "各阶段毫秒", stage: "阶段", why: "原因", fallbacks: "后备结果", noFallbacks: "目前没有。",
    tail: "长尾", tailEvents: "事件", tailLists: "已展示列表", coverage: "的物品曾出现在列表中", mostPopular: "最热门物品所占比例", share: "占比",
    curve: "学习曲线", noCurve: "该模型不按轮次学习。", map: "按口味排列的物品", noMap: "该模型没有向量。", experiment: "实验", noExperiment: "没有进行中的实验。", side: "分组", hitRate: "带来选择的列表", difference: "与第一组之差",
    hitRateSays: "一位用户的列表中有多大比例使其选择了其中的内容，对用户取平均，附 95 % 置信区间。差值的方括号不含 0 时，两组确有差别。列表展示后计入事件的时限：", hours: "小时",
    keyTitle: "本服务的密钥", keyHint: "只保存在此浏览器标签页。", keep: "保存", trouble: "出错了", lists: "个列表", noVersions: "只保留了一个版本。",
  },
};

export let language = "en";

export function speak(chosen) {
  language = chosen in WORDS ? chosen : "en";
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
}

export function word(name) {
  return WORDS[language][name] ?? name;
}
