"""A provider and an API invoker at a core function (TS 29.222): from a credential to a token, and to its end."""

import time

from lab import made

NAME = "eees-easregistration"


def provider(lab):
    """The identifiers of AMF, APF and AEF, and of the registration."""
    api = lab.api("api-provider-management")
    roles = ["AMF", "APF", "AEF"]
    functions = [api.APIProviderFunctionDetails(
        api_prov_func_role=role, reg_info=api.RegistrationInformation(api_prov_pub_key=lab.request(role))) for role in roles]
    details = api.APIProviderEnrolmentDetails(reg_sec=lab.credential("--role", "provider"), api_prov_funcs=functions)
    answer = api.client(None, "capif").register_provider_domain_with_http_info(details)
    for role, function in zip(roles, answer.data.api_prov_funcs):
        lab.keep(role, function.reg_info.api_prov_cert)
    return [function.api_prov_func_id for function in answer.data.api_prov_funcs], made(answer)[1]


def invoker(lab):
    """The identifier of an onboarded invoker."""
    api = lab.api("api-invoker-management")
    asked = api.OnboardingInformation(api_invoker_public_key=lab.request("invoker"))
    details = api.APIInvokerEnrolmentDetails(onboarding_information=asked, notification_destination="https://127.0.0.1:9/n")
    client = api.client(None, "capif")
    refused = api.refused(401, client.onboard_api_invoker, details, _headers={"Authorization": "Bearer a.b"})
    assert refused.cause == "CREDENTIAL_NOT_ACCEPTED", refused
    secret = lab.credential("--role", "invoker", "--eas-id", "eas.chess.example")
    answer = client.onboard_api_invoker_with_http_info(details, _headers={"Authorization": f"Bearer {secret}"})
    lab.keep("invoker", answer.data.onboarding_information.api_invoker_certificate)
    assert made(answer)[1] == answer.data.api_invoker_id
    return answer.data.api_invoker_id


def found(lab, me):
    """The APIs of this name that an invoker finds."""
    found = lab.api("service-apis").client("invoker", "capif").discover_service_apis(api_invoker_id=me, api_name=NAME)
    return found.service_api_descriptions or []


def token(lab, me, aef):
    """A token for the API at an exposing function, after tokens were agreed on with it."""
    security = lab.api("capif-security")
    client = security.client("invoker", "capif")
    entry = security.SecurityInformation(aef_id=aef, pref_security_methods=["OAUTH"])
    context = security.ServiceSecurity(security_info=[entry], notification_destination="https://127.0.0.1:9/r")
    agreed = client.create_security_context(me, context)
    assert agreed.security_info[0].sel_security_method, agreed
    scope = f"3gpp#{aef}:{NAME}"
    told = client.obtain_access_token(me, grant_type="client_credentials", client_id=me, scope=scope)
    assert told.scope == scope and told.access_token.count(".") == 2, told
    return told


def flow(lab):
    (_, apf, aef), registration = provider(lab)
    publishing = lab.api("published-apis")
    resource = publishing.Resource(resource_name="registrations", comm_type="REQUEST_RESPONSE", uri="/registrations", operations=["POST"])
    profile = publishing.AefProfile(
        aef_id=aef, protocol="HTTP_2", data_format="JSON", security_methods=["OAUTH"], domain_name="ees.example",
        versions=[publishing.Version(api_version="v1", resources=[resource])])
    description = publishing.ServiceAPIDescription(api_name=NAME, aef_profiles=[profile])
    apfs = publishing.client("APF", "capif")
    _, api_id = made(apfs.publish_service_api_with_http_info(apf, description))

    me = invoker(lab)
    assert [api.api_id for api in found(lab, me)] == [api_id]
    told = token(lab, me, aef)
    security = lab.api("capif-security")
    looked = security.client("AEF", "capif").read_security_context(me, authorization_info=True)
    assert looked.security_info[0].authorization_info == told.scope, looked

    security.client("AEF", "capif").delete_security_context(me)
    client = security.client("invoker", "capif")
    assert security.refused(404, client.obtain_access_token, me, grant_type="client_credentials", client_id=me).cause
    apfs.withdraw_published_api(apf, api_id)
    lab.api("api-invoker-management").client("invoker", "capif").offboard_api_invoker(me)
    lab.api("api-provider-management").client("AMF", "capif").deregister_provider_domain(registration)
    with lab.exposed() as ees:
        call(lab, ees)


def call(lab, ees):
    """An invoker finds the EES, and registers there with a token."""
    me = invoker(lab)
    deadline = time.monotonic() + 30
    while not (apis := found(lab, me)):
        assert time.monotonic() < deadline, "the EES did not publish its APIs"
        time.sleep(0.1)
    told = token(lab, me, apis[0].aef_profiles[0].aef_id)
    api = lab.api(NAME)
    host = f"{ees.roots['edge3']}/{NAME}/v1"
    files = lab.files("invoker", "edge3")
    configuration = api.Configuration(
        host=host, ssl_ca_cert=files["ca_certs"], cert_file=files["cert_file"], key_file=files["key_file"])
    client = api.DefaultApi(api.ApiClient(configuration))
    profile = api.EASProfile(eas_id="eas.chess.example", end_pt=api.EndPoint(fqdn="chess.edge-b.example"))
    registration = api.EASRegistration(eas_prof=profile)
    api.refused(401, client.create_eas_registration, registration)
    bearer = {"Authorization": f"Bearer {told.access_token}"}
    _, registered = made(client.create_eas_registration_with_http_info(registration, _headers=bearer))
    client.delete_ind_eas_registration(registered, _headers=bearer)
